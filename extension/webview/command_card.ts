/** A command: what ran, how it is going, what it said. Long output is shown by its head and tail. */
import { html, nothing, type TemplateResult } from "lit";
import type { ItemView } from "../src/thread";
import type { CommandItem } from "../src/wire";
import { type CardContext, card, isAsking, questions, tone } from "./cards";
import { post, wasOpened } from "./host";
import { longText } from "./long_text";
import { plain } from "./terminal";
import { baseName, duration, shortPath } from "./text";
import { visible } from "./visible";

const shownLines = 400;
const mostDrawn = 40_000;
const leftOut = /⋯ \d+ (?:characters|lines) left out ⋯/;

export function commandCard(entry: ItemView, item: CommandItem, context: CardContext): TemplateResult {
  const mood = item.exitCode ? "bad" : tone(entry, context);
  const output = item.aggregatedOutput ?? "";
  const quiet = entry.done && isLooking(item) && !item.exitCode;
  const open = isAsking(context) ? true : (wasOpened(item.id) ?? (!quiet && output !== ""));
  return card({
    id: item.id,
    kind: "command",
    icon: isLooking(item) ? lookIcon(item) : "terminal",
    title: lookTitle(item) ?? html`${byUser(item)}<code>${visible(firstLine(item.command))}</code>`,
    label: `Command: ${item.command}`,
    tone: mood,
    aside: aside(entry, item, context),
    open,
    body: body(item, output, context),
    after: questions(context),
  });
}

function aside(entry: ItemView, item: CommandItem, context: CardContext): unknown {
  if (isAsking(context)) return html`<span class="word">approval</span>`;
  if (!entry.done) return nothing;
  if (item.status === "declined") return html`<span class="word">declined</span>`;
  const code = item.exitCode
    ? html`<span class="badge bad" title="Exit code ${item.exitCode}">exit ${item.exitCode}</span>`
    : nothing;
  const time = item.durationMs != null ? html`<span class="word">${duration(item.durationMs)}</span>` : nothing;
  return html`${code}${time}`;
}

function body(item: CommandItem, output: string, context: CardContext): unknown {
  // A question about a command that has not run says all this itself.
  if (isAsking(context) && !output) return nothing;
  const where = shortPath(item.cwd ?? "", context.folder, context.home);
  const long = item.command.includes("\n") || item.command.length > 60 || isLooking(item);
  const place =
    where && where !== "."
      ? html`<div class="where"><span class="codicon codicon-folder"></span>${visible(where)}</div>`
      : nothing;
  const command = long ? html`<pre class="shell" tabindex="0"><code>${longText(item.command, "Command")}</code></pre>` : nothing;
  if (!output && !long && place === nothing) return nothing;
  return html`${place}${command}${output ? outputBlock(item, output) : nothing}`;
}

function outputBlock(item: CommandItem, output: string): TemplateResult {
  const shown = plain(output, shownLines);
  const open = () => post({ type: "openOutput", turnId: null, itemId: item.id });
  const running = item.status === "inProgress";
  const short = leftOut.test(shown);
  return html`<pre class="output" tabindex="0" role="group" aria-label="Output of the command"><code>${longText(shown, "Output", mostDrawn)}</code></pre>
    ${running ? nothing : html`<button class="link whole" @click=${open}>${short ? "Show full output" : "Open in editor"}</button>`}`;
}

/** A command that the user ran, not the agent. */
function byUser(item: CommandItem): unknown {
  return item.source === "userShell" ? html`<span class="from">you</span> ` : nothing;
}

function firstLine(command: string): string {
  const [first = ""] = command.trim().split("\n");
  return command.trim().includes("\n") ? `${first} …` : first;
}

type Actions = CommandItem["commandActions"];

function actions(item: CommandItem): Actions {
  return item.commandActions ?? [];
}

/** True when all that the command does is reading, listing or searching. */
function isLooking(item: CommandItem): boolean {
  return actions(item).length > 0 && actions(item).every((action) => action.type !== "unknown");
}

function lookIcon(item: CommandItem): string {
  const kind = actions(item)[0]?.type;
  return kind === "search" ? "search" : kind === "listFiles" ? "list-tree" : "file";
}

function lookTitle(item: CommandItem): unknown {
  const first = actions(item)[0];
  if (!isLooking(item) || !first) return undefined;
  const more = actions(item).length > 1 ? html` <span class="more">+${actions(item).length - 1}</span>` : nothing;
  if (first.type === "read") return html`Read <code>${visible(first.name || baseName(first.path))}</code>${more}`;
  if (first.type === "listFiles") return html`Listed <code>${visible(first.path ?? "files")}</code>${more}`;
  if (first.type !== "search") return undefined;
  const place = first.path ? html` in <code>${visible(first.path)}</code>` : nothing;
  return html`Searched <code>${visible(first.query ?? "…")}</code>${place}${more}`;
}
