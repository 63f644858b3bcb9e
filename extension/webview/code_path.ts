/**
 * Which file a block of code is about: named beside the language (```py src/a.py, ```py:src/a.py, ```py title="src/a.py"), or by the
 * words right before the block. A guess that the user sees before anything is written. Pure.
 */

const file = /^(?:\.{0,2}[\\/])?(?:[\w@.+ -]+[\\/])*[\w@.+-]*\.[A-Za-z][\w-]{0,9}$/;

export function codePath(info: string, before: string): string | null {
  return inInfo(info) ?? inWords(before);
}

export function codeLanguage(info: string): string {
  const [first = ""] = info.trim().split(/[\s{]/);
  const [language = ""] = first.split(":");
  return looksLikePath(language) && !/^[\w+#-]+$/.test(language) ? (language.split(".").at(-1) ?? "") : language;
}

function inInfo(info: string): string | null {
  const named = /(?:title|file|filename|path)=["']?([^"'\s}]+)/i.exec(info)?.[1];
  if (named && looksLikePath(named)) return named;
  const [first = "", ...rest] = info.trim().split(/\s+/);
  const afterColon = first.includes(":") ? first.slice(first.indexOf(":") + 1) : first;
  return [afterColon, ...rest].find(looksLikePath) ?? null;
}

/** The last line before the block, when it names one file and ends with it, as in "Then `src/a.py`:". */
function inWords(before: string): string | null {
  const line = before.trimEnd().split("\n").at(-1) ?? "";
  const marked = [...line.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\]\(([^)]+)\)/g)].map(
    (found) => found[1] ?? found[2] ?? found[3] ?? "",
  );
  const paths = [...new Set(marked.map((path) => path.replace(/:\d+(?::\d+)?$/, "")).filter(looksLikePath))];
  if (paths.length === 1) return paths[0] ?? null;
  const bare = /^(?:#+\s*)?(?:File:\s*)?(\S+?):?$/i.exec(line.trim())?.[1] ?? "";
  return !paths.length && looksLikePath(bare) ? bare : null;
}

function looksLikePath(word: string): boolean {
  return word.length < 200 && file.test(word) && !/^\d+\.\d/.test(word) && !/^[a-z]+:\/\//i.test(word) && !word.includes("..");
}
