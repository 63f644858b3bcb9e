/** Syntax colours, as a script of its own that is loaded when the first code block appears. Gives classes, never inline styles. */
import hljs from "highlight.js/lib/common";

declare global {
  interface Window {
    treadleHighlight?: (code: string, language: string) => string | null;
  }
}

window.treadleHighlight = (code, language) => {
  if (!hljs.getLanguage(language)) return null;
  return hljs.highlight(code, { language, ignoreIllegals: true }).value;
};
