/** What comes in by paste and by drop: pictures, files of the explorer, long text. Bounds are told in a sentence; nothing is lost silently. */
import { type Attachment, type Mention, mostImageBytes, mostImages } from "../src/draft";
import { ask, reason } from "./host";

const kinds = /^image\/(?:png|jpeg|gif|webp)$/;

export interface Incoming {
  attachments: Attachment[];
  mentions: Mention[];
  problem: string | null;
}

const none: Incoming = { attachments: [], mentions: [], problem: null };

export function hasPictures(data: DataTransfer | null): boolean {
  return pictures(data).length > 0;
}

function pictures(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
}

/** `refused`: why the model takes none. `there`: how many are attached already. */
export async function takePictures(data: DataTransfer | null, refused: string | null, there: number): Promise<Incoming> {
  const files = pictures(data);
  if (!files.length) return none;
  if (refused) return { ...none, problem: refused };
  const room = Math.max(0, mostImages - there);
  const taken: Attachment[] = [];
  const problems = files.length > room ? [`A message takes ${mostImages} pictures.`] : [];
  for (const file of files.slice(0, room)) {
    const problem = unfit(file);
    if (problem) {
      problems.push(problem);
      continue;
    }
    try {
      taken.push(await ask("attachImage", { name: file.name || "picture", bytes: await file.arrayBuffer() }));
    } catch (error) {
      problems.push(reason(error));
    }
  }
  return { attachments: taken, mentions: [], problem: problems.join(" ") || null };
}

function unfit(file: File): string | null {
  if (!kinds.test(file.type)) return `${file.name} is not a PNG, JPEG, GIF or WebP picture.`;
  if (file.size > mostImageBytes) return `${file.name} is larger than ${mostImageBytes / 1024 / 1024} MB.`;
  return null;
}

/** Addresses of files that VS Code's explorer, or the desktop, hands over. */
export function droppedUris(data: DataTransfer | null): string[] {
  const lists = ["application/vnd.code.uri-list", "text/uri-list"].map((kind) => data?.getData(kind) ?? "");
  const list = lists.find((one) => one.trim()) ?? "";
  return list.split(/\r?\n/).filter((line) => /^(?:file|vscode-remote):/.test(line));
}

export async function takeFiles(uris: string[]): Promise<Incoming> {
  try {
    return { ...none, mentions: await ask("dropped", { uris }) };
  } catch (error) {
    return { ...none, problem: reason(error) };
  }
}

/** A paste that would make the box slow and unreadable becomes a chip. */
export async function takeText(text: string): Promise<Incoming> {
  const lines = text.split("\n").length;
  const name = lines > 1 ? `Pasted text, ${lines} lines` : `Pasted text, ${text.length} characters`;
  try {
    return { ...none, attachments: [await ask("attachText", { name, text })] };
  } catch (error) {
    return { ...none, problem: reason(error) };
  }
}

/** What was pasted or dropped and is still on its way into the box: a message that is sent meanwhile waits for it. */
export class Arriving {
  /** Whether all of it came well; undefined when nothing is on its way. */
  all: Promise<boolean> | undefined;

  constructor(private readonly take: (incoming: Incoming) => void) {}

  add(coming: Promise<Incoming>): void {
    const before = this.all;
    const all = coming.then(async (incoming) => {
      this.take(incoming);
      const well = (await before) !== false && !incoming.problem;
      if (this.all === all) this.all = undefined;
      return well;
    });
    this.all = all;
  }
}
