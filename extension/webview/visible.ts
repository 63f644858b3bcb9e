/**
 * Characters that one does not see, made visible: control characters, marks that turn the direction of text, letters of no width. Used
 * where what is read must be what is there: commands, file names, code. What is copied or run stays as it was. Pure.
 */

// Line feed and tab stay; the rest of C0 and C1, direction marks, zero widths, soft hyphen, tags and variation selectors of letters.
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

export function visible(text: string): string {
  return text.replace(hidden, (found) => {
    const code = found.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** The beginning and the end of a text that is too long to draw, and how much lies between; null when it is short enough. */
export function cut(text: string, most: number): { head: string; left: number; tail: string } | null {
  if (text.length <= most) return null;
  const head = text.slice(0, Math.floor(most * 0.75)).replace(/[\ud800-\udbff]$/, "");
  const tail = text.slice(-Math.floor(most * 0.25)).replace(/^[\udc00-\udfff]/, "");
  return { head, left: text.length - head.length - tail.length, tail };
}
