/**
 * What was pasted or dropped into the composer, as files of ours in the workspace's storage, so that it survives whatever happens to
 * the webview. Bounded in size and number; what is a month old is swept away.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Attachment, bounded, type Draft, fenced, mostImageBytes } from "./draft";
import { pictureKind } from "./pictures";

const mostText = 4_000_000;
/** Of a long paste in a message; the whole is in its file, which the agent may read. */
const mostRead = 400_000;
const month = 30 * 24 * 3_600_000;
const mostFiles = 500;

export class Attachments {
  constructor(private readonly folder: string) {}

  /** Throws a sentence for what is no picture, or too large. */
  async addImage(name: string, bytes: Uint8Array): Promise<Attachment> {
    if (bytes.byteLength > mostImageBytes) throw new Error(`${name} is larger than ${mostImageBytes / 1024 / 1024} MB.`);
    const kind = pictureKind(bytes);
    if (!kind) throw new Error(`${name} is not a PNG, JPEG, GIF or WebP picture.`);
    return this.keep("image", name, kind === "jpeg" ? "jpg" : kind, bytes);
  }

  async addText(name: string, text: string): Promise<Attachment> {
    if (text.length > mostText)
      throw new Error("This text is too long to attach: save it to a file and mention the file with @.");
    return this.keep("text", name, "txt", new TextEncoder().encode(text));
  }

  /** The whole text, to stand in the box after all. */
  async text(path: string): Promise<string> {
    if (!this.isOurs(path)) throw new Error("This is not an attachment.");
    return readFile(path, "utf8");
  }

  /** What the model reads of pasted text, by the attachments' ids. */
  async pasted(draft: Draft): Promise<Map<string, string>> {
    const texts = draft.attachments.filter((attachment) => attachment.kind === "text");
    return new Map(
      await Promise.all(
        texts.map(async ({ id, name, path }): Promise<[string, string]> => {
          const text = await this.text(path).catch(() => `${name} is gone.`);
          const place = text.length > mostRead ? ` (the whole is in ${path})` : "";
          return [id, `${name}${place}:\n${fenced(bounded(text, mostRead))}`];
        }),
      ),
    );
  }

  async sweep(now: number): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    const aged = await Promise.all(
      names.map(async (name) => ({ path: join(this.folder, name), at: (await stat(join(this.folder, name))).mtimeMs })),
    );
    aged.sort((one, other) => other.at - one.at);
    const old = aged.filter(({ at }, index) => index >= mostFiles || now - at > month);
    await Promise.all(old.map(({ path }) => rm(path, { force: true })));
  }

  /** A path is told by the page, or by what was kept: it may be any. */
  private isOurs(path: string): boolean {
    return dirname(resolve(path)) === resolve(this.folder);
  }

  private async keep(kind: Attachment["kind"], name: string, ending: string, bytes: Uint8Array): Promise<Attachment> {
    const id = randomUUID();
    const path = join(this.folder, `${id}.${ending}`);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeFile(path, bytes, { mode: 0o600 });
    return { id, kind, name, path, size: bytes.byteLength };
  }
}
