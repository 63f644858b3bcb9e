/** Pictures that the model looked at, for the panel to show: read from disk, bounded, and only of kinds that a page draws safely. */
import { readFile, stat } from "node:fs/promises";

const most = 10 * 1024 * 1024;

/** How files of a kind begin, letter by letter; a dot is any byte. Names say nothing. */
const beginnings: [kind: string, beginning: RegExp][] = [
  ["png", /^\x89PNG\r\n\x1a\n/],
  ["jpeg", /^\xff\xd8\xff/],
  ["gif", /^GIF8[79]a/],
  ["webp", /^RIFF[\s\S]{4}WEBP/],
];

/** A data address; null when the file is gone, too large, or no picture. */
export async function picture(path: string): Promise<string | null> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > most) return null;
    const bytes = await readFile(path);
    const kind = pictureKind(bytes);
    return kind ? `data:image/${kind};base64,${bytes.toString("base64")}` : null;
  } catch {
    return null;
  }
}

/** png, jpeg, gif or webp; undefined for what is no picture. */
export function pictureKind(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return beginnings.find(([, beginning]) => beginning.test(head))?.[0];
}
