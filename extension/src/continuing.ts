/** Going on where a turn was cut off: by a reload of the window, by a sidecar that stopped, by a failure, or by the user. */
import { sentence } from "./log";
import type { Feature, Parts } from "./parts";

export class Continuing implements Feature {
  constructor(private readonly parts: Parts) {}

  readonly commands: Feature["commands"] = { "treadle.continueTurn": () => this.goOn() };

  dispose(): void {}

  private async goOn(): Promise<void> {
    const { chat } = this.parts;
    try {
      await chat.goOn();
    } catch (error) {
      chat.notice("warning", `continue:${Date.now()}`, `The turn cannot go on: ${sentence(error)}`);
    }
  }
}
