/** Edits: each file with its counts and its diff. A click on the name opens the diff while it waits, the file once it is written. */
import { html, nothing, type TemplateResult } from "lit";
import type { ItemView } from "../src/thread";
import type { FileChangeItem, FileUpdateChange } from "../src/wire";
import { type CardContext, card, isAsking, questions, tone } from "./cards";
import { type DiffLine, type DiffView, diffView } from "./diff_lines";
import { post, wasOpened } from "./host";
import "./review_bar";
import { baseName, shortPath } from "./text";

const shownLines = 160;

export function changeCard(entry: ItemView, item: FileChangeItem, context: CardContext): TemplateResult {
  const files = item.changes.map((change) => ({ change, diff: diffView(change) }));
  const mood = tone(entry, context);
  const one = files.length === 1 ? files[0] : undefined;
  const writing = mood === "running" ? "Writing a patch of" : "";
  const name = one
    ? html`${verb(one.change, mood)} <code>${baseName(newPath(one.change))}</code>`
    : html`${writing} ${files.length} files`;
  return card({
    id: item.id,
    kind: "change",
    icon: icon(one?.change),
    title: item.changes.length ? name : "Editing…",
    label: `Edit: ${item.changes.map((change) => newPath(change)).join(", ")}`,
    tone: mood,
    aside: html`${word(item, context)}${total(files.map((file) => file.diff))}`,
    open: isAsking(context) ? true : (wasOpened(item.id) ?? item.status !== "declined"),
    // While the model writes the patch, which files and how much is enough: lines that move are not read.
    body:
      files.length &&
      files.map(({ change, diff }) => file(item, change, mood === "running" ? { ...diff, lines: [] } : diff, context)),
    after: html`${questions(context)}<treadle-turn-review .itemId=${item.id}></treadle-turn-review>`,
  });
}

function word(item: FileChangeItem, context: CardContext): unknown {
  if (isAsking(context)) return html`<span class="word">proposed</span>`;
  if (item.status === "declined") return html`<span class="word">declined</span>`;
  if (item.status === "failed") return html`<span class="word">not applied</span>`;
  return nothing;
}

function verb(change: FileUpdateChange, mood: string): string {
  const written = mood === "good";
  if (change.kind.type === "add") return written ? "Created" : "Create";
  if (change.kind.type === "delete") return written ? "Deleted" : "Delete";
  return written ? "Edited" : "Edit";
}

function icon(change: FileUpdateChange | undefined): string {
  if (!change) return "files";
  return change.kind.type === "add" ? "new-file" : change.kind.type === "delete" ? "trash" : "edit";
}

function newPath(change: FileUpdateChange): string {
  return (change.kind.type === "update" && change.kind.move_path) || change.path;
}

function total(views: DiffView[]): unknown {
  const added = views.reduce((sum, view) => sum + view.added, 0);
  const removed = views.reduce((sum, view) => sum + view.removed, 0);
  return counts(added, removed);
}

function counts(added: number, removed: number): TemplateResult {
  return html`<span class="counts" aria-label="${added} lines added, ${removed} removed">
    <span class="added">+${added}</span><span class="removed">−${removed}</span>
  </span>`;
}

function file(item: FileChangeItem, change: FileUpdateChange, diff: DiffView, context: CardContext): TemplateResult {
  const path = newPath(change);
  const moved =
    path !== change.path
      ? html`<span class="moved">from ${shortPath(change.path, context.folder, context.home)}</span>`
      : nothing;
  const lines = diff.lines.slice(0, shownLines);
  const rest = diff.lines.length - lines.length;
  const open = () => post({ type: "openDiff", itemId: item.id, path: change.path });
  return html`<div class="file">
    <div class="name">
      <button class="link" title="Open ${path}" @click=${open}>${pathName(shortPath(path, context.folder, context.home))}</button>
      ${moved}${item.changes.length > 1 ? counts(diff.added, diff.removed) : nothing}
      <button class="icon" title=${isAsking(context) ? "Open diff" : "Open file"} aria-label="${isAsking(context) ? "Open diff of" : "Open"} ${path}" @click=${open}>
        <span class="codicon codicon-${isAsking(context) ? "diff" : "go-to-file"}"></span>
      </button>
      <treadle-file-review .itemId=${item.id} .path=${path}></treadle-file-review>
    </div>
    ${lines.length ? html`<div class="diff" tabindex="0" role="group" aria-label="Changes of ${path}"><div class="lines">${lines.map(line)}</div></div>` : nothing}
    ${rest > 0 ? html`<button class="link rest" @click=${open}>${rest} more lines</button>` : nothing}
  </div>`;
}

/** Where there is no room for a whole path its folders are cut, and the file's name stays. */
function pathName(path: string): TemplateResult {
  const at = path.length - baseName(path).length;
  return html`<span class="path"><span class="folders">${path.slice(0, at)}</span><span class="base">${path.slice(at)}</span></span>`;
}

const signs: Record<DiffLine["kind"], string> = { added: "+", removed: "−", same: " ", gap: "⋯" };

function line({ kind, text, number }: DiffLine): TemplateResult {
  return html`<div class="line ${kind}"><span class="number">${number ?? ""}</span><span class="sign">${signs[kind]}</span><span class="text">${text}</span></div>`;
}
