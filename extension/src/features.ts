/** The window's features: each a file of its own. To add one: a class that implements `Feature`, and a line here. */
import type { Feature, Parts } from "./parts";

export function features(_parts: Parts): Feature[] {
  return [];
}

/** The first feature that answers under this name. */
export function found<T>(all: readonly Feature[], pick: (feature: Feature) => T | undefined): T | undefined {
  for (const feature of all) {
    const one = pick(feature);
    if (one !== undefined) return one;
  }
  return undefined;
}
