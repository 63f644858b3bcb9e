/** Which folder the agent works in, when several are open, and the way to another one. */
import { html, nothing } from "lit";
import type { PanelState } from "../src/messages";
import type { ThreadView } from "../src/thread";
import { post } from "./host";
import { baseName } from "./text";

export function folderChip(view: ThreadView, panel: PanelState): unknown {
  const folders = panel.folders ?? [];
  const now = view.cwd ?? panel.folder;
  if (folders.length < 2 || !now) return nothing;
  const name = folders.find(({ path }) => path === now)?.name ?? baseName(now);
  const choose = (event: Event, path: string) => {
    (event.target as HTMLElement).closest("details")?.removeAttribute("open");
    if (path !== now) post({ type: "chooseFolder", path });
  };
  return html`<details class="chip-menu folders" data-testid="folders">
    <summary class="chip firm" title="The agent works in ${now}; it may also write in the other ${folders.length - 1} open">
      <span class="codicon codicon-root-folder" aria-hidden="true"></span><span class="text">${name}</span>
    </summary>
    <div class="menu" role="group" aria-label="The folder that the agent works in">
      ${folders.map(
        ({
          name,
          path,
        }) => html`<button class="entry" title=${path} aria-pressed=${path === now} @click=${(event: Event) => choose(event, path)}>
          <span class="codicon codicon-${path === now ? "check" : "blank"}" aria-hidden="true"></span>${name}
        </button>`,
      )}
    </div>
  </details>`;
}
