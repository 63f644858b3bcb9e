/** Commands of the palette and the keyboard for the chat panel: the message before, the one after, the search. */
import type { Feature, Parts } from "./parts";

export class Navigation implements Feature {
  constructor(private readonly parts: Pick<Parts, "panel">) {}

  readonly commands = {
    "treadle.previousMessage": () => this.go("previous"),
    "treadle.nextMessage": () => this.go("next"),
    "treadle.findInChat": () => this.go("find"),
  };

  dispose(): void {}

  private go(to: "previous" | "next" | "find"): Promise<void> {
    return this.parts.panel.bring({ type: "go", to });
  }
}
