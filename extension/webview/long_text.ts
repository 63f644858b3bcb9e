/** Text of any length, drawn within bounds: its beginning and its end, and a way to see the whole in an editor. */
import { html, type TemplateResult } from "lit";
import { post } from "./host";
import { cut, visible } from "./visible";

export const mostDrawn = 12_000;

export function longText(text: string, title: string, most = mostDrawn): TemplateResult {
  const short = cut(text, most);
  if (!short) return html`${visible(text)}`;
  const open = () => post({ type: "openText", title, text, language: "text" });
  return html`${visible(short.head)}<span class="cut" role="note">⋯ ${short.left.toLocaleString("en")} characters left out ⋯
      <button class="link" @click=${open}>Open the whole</button></span>${visible(short.tail)}`;
}
