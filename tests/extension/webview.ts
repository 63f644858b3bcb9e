/** Words for tests of the webview's elements: what the host would hear, what is kept, and what a person does. Needs the jsdom environment. */

export interface Said {
  type: string;
  [more: string]: unknown;
}

export const said: Said[] = [];
export const kept: { state: unknown } = { state: undefined };

// Before any module of the webview is loaded: the line to the host is taken up then.
Object.assign(globalThis, {
  acquireVsCodeApi: () => ({
    postMessage: (message: Said) => said.push(message),
    getState: () => kept.state,
    setState: (next: unknown) => {
      kept.state = next;
    },
  }),
  CSS: { escape: (text: string) => text.replace(/[^\w-]/g, "\\$&") },
});

// What this document does not know: how to type, and of forms.
document.execCommand ??= () => false;
const { attachInternals } = HTMLElement.prototype;
HTMLElement.prototype.attachInternals = function (): ElementInternals {
  return Object.assign(attachInternals.call(this), { setFormValue: () => undefined });
};

/** Puts an element into the page, with a composer to go back to; resolves when it is drawn. */
export async function mount<Element extends HTMLElement>(name: string, properties: object): Promise<Element> {
  said.length = 0;
  document.body.innerHTML = "<treadle-composer><textarea></textarea></treadle-composer>";
  const element = Object.assign(document.createElement(name), properties) as unknown as Element;
  document.body.append(element);
  await drawn(element);
  return element;
}

export async function drawn(element: HTMLElement): Promise<void> {
  for (let round = 0; round < 4; round += 1) await (element as { updateComplete?: Promise<unknown> }).updateComplete;
}

export function find(element: HTMLElement, selector: string): HTMLElement {
  const found = element.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`nothing matches ${selector} in ${element.innerHTML}`);
  return found;
}

export function press(target: Element, key: string, more: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  return event;
}

export function write(target: Element, text: string): void {
  (target as HTMLInputElement).value = text;
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

export function words(element: HTMLElement): string {
  return (element.textContent ?? "").replace(/\s+/g, " ").trim();
}

export function answers(): Said[] {
  return said.filter((message) => message.type === "answer");
}

/** The host says what is wrong with the rule that was asked about last. */
export function checked(problem: string | null): void {
  const asked = said.findLast((message) => message.type === "checkRule");
  window.dispatchEvent(new MessageEvent("message", { data: { type: "ruleChecked", number: asked?.number, problem } }));
}
