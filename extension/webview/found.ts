/** Words in a drawn page, as ranges: letter by letter but for upper and lower case, across the pieces that colours cut a text into. */

const skipped = ".codicon, .sr-only, button, .message-actions, .buttons, treadle-find, treadle-marks, script, style";
export const mostFound = 2_000;

/** Ranges of the term under each of these elements, in the order of the page; a range never goes from one element to another. */
export function ranges(elements: Iterable<Element>, term: string): Range[] {
  const found: Range[] = [];
  if (!term) return found;
  const pattern = new RegExp(term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
  for (const element of elements) {
    if (found.length >= mostFound) break;
    within(element, pattern, found);
  }
  return found;
}

function within(element: Element, pattern: RegExp, found: Range[]): void {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => {
    if (node.nodeType === Node.TEXT_NODE) return NodeFilter.FILTER_ACCEPT;
    return (node as Element).matches(skipped) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  });
  const nodes: { node: Text; start: number }[] = [];
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    nodes.push({ node: node as Text, start: text.length });
    text += (node as Text).data;
  }
  for (const match of text.matchAll(pattern)) {
    if (found.length >= mostFound) return;
    const range = document.createRange();
    const [first, last] = [place(nodes, match.index), place(nodes, match.index + match[0].length - 1)];
    if (!first || !last) continue;
    range.setStart(first.node, first.offset);
    range.setEnd(last.node, last.offset + 1);
    found.push(range);
  }
}

function place(nodes: { node: Text; start: number }[], at: number): { node: Text; offset: number } | undefined {
  const entry = nodes.findLast(({ start }) => start <= at);
  return entry && { node: entry.node, offset: at - entry.start };
}

/** Marks the ranges, and one of them more; where the browser cannot, nothing is marked and all else works. */
export function mark(found: Range[], current: Range | undefined): void {
  if (!globalThis.CSS?.highlights || typeof Highlight === "undefined") return;
  CSS.highlights.delete("treadle-found");
  CSS.highlights.delete("treadle-current");
  if (found.length) CSS.highlights.set("treadle-found", new Highlight(...found));
  if (current) CSS.highlights.set("treadle-current", Object.assign(new Highlight(current), { priority: 1 }));
}

/** Brings a place into view, and opens the cards that it lies in. */
export function reveal(range: Range): void {
  const element = range.startContainer.parentElement;
  for (let card = element?.closest("details"); card; card = card.parentElement?.closest("details")) card.open = true;
  element?.scrollIntoView({ block: "center" });
}
