/**
 * Accept and reject in the title of a proposed edit's diff: they give the same answer as the card in the panel, once. Closing the tab
 * decides nothing. A patch of several files is one question; its files can be stepped through, each in its diff.
 */
import * as vscode from "vscode";
import type { Answer } from "./asked";
import { proposalOf } from "./diffs";
import type { Feature, Parts } from "./parts";
import { newPath } from "./proposal";
import { pathKey } from "./review_paths";
import type { ViewEvent } from "./thread";
import type { FileUpdateChange } from "./wire";

export class Proposals implements Feature {
  private told = "";

  constructor(private readonly parts: Parts) {}

  readonly commands: Feature["commands"] = {
    "treadle.proposal.accept": (uri) => this.answer(uri, "accept"),
    "treadle.proposal.reject": (uri) => this.answer(uri, "decline"),
    "treadle.proposal.next": (uri) => this.step(uri, 1),
    "treadle.proposal.previous": (uri) => this.step(uri, -1),
  };

  /** Which diffs have others beside them: they have buttons to go there. */
  followed({ method }: ViewEvent): void {
    if (method.endsWith("elta")) return;
    const { asked } = this.parts.chat.view;
    const many = asked.map((one) => (one.itemId ? this.changes(one.itemId) : [])).filter((changes) => changes.length > 1);
    const paths = many.flat().map((change) => pathKey(newPath(change)));
    const told = JSON.stringify(paths);
    if (told === this.told) return;
    this.told = told;
    void vscode.commands.executeCommand("setContext", "treadle.proposalPaths", paths);
  }

  dispose(): void {}

  private answer(given: unknown, verdict: Answer["verdict"]): void {
    const here = this.here(given);
    const asked = this.parts.chat.view.asked.find((one) => one.kind === "fileChange" && one.itemId === here?.itemId);
    if (asked) this.parts.questions.answer(asked.id, { verdict });
    else vscode.window.setStatusBarMessage("Nobody waits for an answer to this edit any more.", 4_000);
  }

  private async step(given: unknown, by: number): Promise<void> {
    const here = this.here(given);
    const changes = here ? this.changes(here.itemId) : [];
    const at = changes.findIndex((change) => pathKey(newPath(change)) === here?.path);
    for (let tries = 1; here && tries < changes.length; tries += 1) {
      const next = changes[(at + by * tries + changes.length * tries) % changes.length];
      // One that does not fit its file has no diff; the panel shows it.
      if (next && (await this.parts.diffs.open(here.itemId, next, false, changes))) return;
    }
  }

  /** The diff whose button was pressed; without a button, the one that the keyboard is in. */
  private here(given: unknown): { itemId: string; path: string } | undefined {
    if (given instanceof vscode.Uri) return proposalOf(given);
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputTextDiff ? proposalOf(input.modified) : undefined;
  }

  private changes(itemId: string): FileUpdateChange[] {
    const items = this.parts.chat.view.turns.flatMap((turn) => turn.items);
    const item = items.find((entry) => entry.item.id === itemId)?.item;
    return item?.type === "fileChange" ? item.changes : [];
  }
}
