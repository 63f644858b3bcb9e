/** Pictures that the model looked at, for the panel to show: read from disk, bounded, and only of kinds that a page draws safely. */
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";

const kinds: Record<string, string> = { ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp" };
const most = 8 * 1024 * 1024;

/** A data address; null when the file is gone, too large, or no picture. */
export async function picture(path: string): Promise<string | null> {
  const kind = kinds[extname(path).toLowerCase()];
  if (!kind) return null;
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > most) return null;
    return `data:image/${kind};base64,${(await readFile(path)).toString("base64")}`;
  } catch {
    return null;
  }
}
