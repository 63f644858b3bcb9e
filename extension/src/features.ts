/** The window's features: each a file of its own. To add one: a class that implements `Feature`, and a line here. */
import { ApplyCode } from "./apply_code";
import { Checkpoints } from "./checkpoints";
import { Earlier } from "./earlier";
import { Navigation } from "./navigation";
import type { Feature, Parts } from "./parts";
import { Proposals } from "./proposals";
import { Review } from "./review";
import { WholeText } from "./whole_text";

export function features(parts: Parts): Feature[] {
  return [
    new ApplyCode(parts),
    new Earlier(parts),
    new Navigation(parts),
    new WholeText(parts),
    new Review(parts),
    new Proposals(parts),
    new Checkpoints(parts),
  ];
}

/** The first feature that answers under this name. */
export function found<T>(all: readonly Feature[], pick: (feature: Feature) => T | undefined): T | undefined {
  for (const feature of all) {
    const one = pick(feature);
    if (one !== undefined) return one;
  }
  return undefined;
}
