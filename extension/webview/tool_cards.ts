/**
 * Cards of what is neither a command nor an edit: tools of MCP servers and our own, searches in the web, pictures, compactions. A kind
 * that we have never heard of has a plain card with what came.
 */
import { html, nothing, type TemplateResult } from "lit";
import { isApproval } from "../src/asked";
import type { ItemView } from "../src/thread";
import type { CallView, OtherItem, WebView } from "../src/wire";
import { type CardContext, card, isAsking, questions, tone } from "./cards";
import { post, wasOpened } from "./host";
import { longText } from "./long_text";
import "./picture";
import "./summary";
import { duration } from "./text";
import { visible } from "./visible";

export function otherCard(entry: ItemView, item: OtherItem, context: CardContext): TemplateResult {
  if (item.kind === "contextCompaction") return compaction(entry, item);
  if (item.call) return toolCard(entry, item, item.call, context);
  if (item.web) return webCard(entry, item, item.web, context);
  const [icon, name] = item.kind === "imageView" ? ["file-media", "Looked at"] : ["symbol-misc", item.kind];
  return card({
    ...common(entry, item, context),
    icon: icon ?? "",
    title: item.title ? html`${name} <code>${visible(item.title)}</code>` : visible(name ?? ""),
    label: `${name} ${item.title}`,
    body: body(context, html`${pictures(item)}${output(item.body)}`, Boolean(item.body || item.images)),
  });
}

/** Our own tools, by what they do. */
const ownTools: Record<string, [icon: string, name: string]> = {
  update_plan: ["checklist", "Updated the plan"],
  request_user_input: ["question", "Asked you"],
  view_image: ["file-media", "Looked at an image"],
  read_output: ["output", "Read on in an output"],
  list_mcp_resources: ["plug", "Listed resources"],
  read_mcp_resource: ["plug", "Read a resource"],
};

function toolCard(entry: ItemView, item: OtherItem, call: CallView, context: CardContext): TemplateResult {
  const own = call.server === null ? ownTools[call.tool] : undefined;
  const [icon, name] = own ?? [call.server === null ? "tools" : "plug", ""];
  const from = call.server
    ? html`<span class="from" title="MCP server ${visible(call.server)}">${visible(call.server)}</span>`
    : nothing;
  const last = call.progress.at(-1);
  const running = !entry.done && last ? html`<div class="progress-line shimmer">${visible(last)}</div>` : nothing;
  return card({
    ...common(entry, item, context),
    icon,
    title: own ? name : html`<code>${visible(call.tool)}</code>${from}`,
    label: own ? name : call.server ? `Tool ${call.tool} of MCP server ${call.server}` : `Tool ${call.tool}`,
    aside: aside(context, call, entry.done),
    body: body(
      context,
      callBody(item, call),
      Boolean(call.given || call.said || call.error || item.images || call.progress.length),
    ),
    after: html`${running}${questions(context)}`,
  });
}

function aside(context: CardContext, call: CallView, done: boolean): unknown {
  if (isAsking(context)) return waiting(context);
  return done && call.durationMs !== null ? html`<span class="word">${duration(call.durationMs)}</span>` : nothing;
}

function callBody(item: OtherItem, call: CallView): TemplateResult {
  return html`
    ${call.given ? html`<div class="part-name">Called with</div><pre class="output given" tabindex="0"><code>${longText(call.given, "Arguments")}</code></pre>` : nothing}
    ${call.progress.length ? html`<ul class="progress" aria-label="Progress">${call.progress.map((line) => html`<li>${visible(line)}</li>`)}</ul>` : nothing}
    ${call.error ? html`<div class="problem"><span class="codicon codicon-error" aria-hidden="true"></span><span>${visible(call.error)}</span></div>` : nothing}
    ${call.said ? html`<div class="part-name">Answer</div>${output(call.said, item.id)}` : nothing}
    ${pictures(item)}`;
}

const webActions: Record<string, [icon: string, name: string]> = {
  search: ["globe", "Searched the web"],
  openPage: ["link-external", "Opened a page"],
  findInPage: ["search", "Looked in a page"],
};

function webCard(entry: ItemView, item: OtherItem, web: WebView, context: CardContext): TemplateResult {
  const [icon, name] = webActions[web.action] ?? ["globe", "Web"];
  const subject = web.pattern || web.queries[0] || web.url || "";
  const many = web.queries.length > 1 || web.url !== null || web.links.length > 0;
  return card({
    ...common(entry, item, context),
    icon,
    title: subject ? html`${name} <code>${visible(subject)}</code>` : name,
    label: `${name} ${subject}`,
    aside: web.links.length
      ? html`<span class="word">${web.links.length} ${web.links.length === 1 ? "result" : "results"}</span>`
      : nothing,
    body: body(
      context,
      html`${web.queries.slice(1).map((query) => html`<div class="where"><span class="codicon codicon-search" aria-hidden="true"></span>${visible(query)}</div>`)}
        ${web.url ? link(web.url, web.url, "") : nothing}
        <ul class="links">${web.links.map((found) => html`<li>${link(found.url, found.title, found.text)}</li>`)}</ul>`,
      many,
    ),
  });
}

function link(url: string, title: string, text: string): TemplateResult {
  const open = () => post({ type: "openLink", url });
  return html`<button class="link web" title=${visible(url)} @click=${open}>${visible(title)}</button>
    ${title === url ? nothing : html`<span class="host">${host(url)}</span>`}${text ? html`<div class="snippet">${visible(text)}</div>` : nothing}`;
}

function host(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}

function compaction(entry: ItemView, item: OtherItem): TemplateResult {
  const name = entry.done ? "Context compacted" : "Compacting the context";
  return card({
    id: item.id,
    kind: "other compaction",
    icon: "fold",
    title: entry.done ? name : html`<span class="shimmer">${name}</span>`,
    label: name,
    tone: "plain",
    open: wasOpened(item.id) ?? false,
    body: entry.done ? html`<treadle-summary></treadle-summary>` : nothing,
  });
}

function common(entry: ItemView, item: OtherItem, context: CardContext) {
  const asking = isAsking(context);
  return {
    id: item.id,
    kind: "other",
    tone: tone(entry, context),
    aside: asking ? waiting(context) : (nothing as unknown),
    open: asking ? true : (wasOpened(item.id) ?? (item.images !== undefined || item.status === "failed")),
    after: questions(context),
  };
}

function body(context: CardContext, shown: TemplateResult, anything: boolean): unknown {
  return isAsking(context) || !anything ? nothing : shown;
}

function waiting(context: CardContext): TemplateResult {
  return html`<span class="word">${context.asked.some(isApproval) ? "approval" : "waits for you"}</span>`;
}

const leftOut = /⋯ \d+ characters left out ⋯/;

function output(text: string, itemId?: string): unknown {
  if (!text) return nothing;
  const open = () => itemId && post({ type: "openOutput", turnId: null, itemId });
  const more = itemId && leftOut.test(text) ? html`<button class="link whole" @click=${open}>Show full output</button>` : nothing;
  return html`<pre class="output" tabindex="0"><code>${longText(text, "Output", 40_000)}</code></pre>${more}`;
}

function pictures(item: OtherItem): unknown {
  return item.images?.map(
    (source) => html`<treadle-picture .source=${source} .name=${item.title || "Picture"}></treadle-picture>`,
  );
}
