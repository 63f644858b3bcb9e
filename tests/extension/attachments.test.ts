// What was pasted is read from its own folder, and nothing else is, whatever path is named.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Attachments } from "@src/attachments";
import { emptyDraft } from "@src/draft";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "attachments-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a pasted text is read back", async () => {
  const attachments = new Attachments(join(folder, "kept"));
  const added = await attachments.addText("Pasted", "hello");
  expect(await attachments.text(added.path)).toBe("hello");
  expect([...(await attachments.pasted({ ...emptyDraft, attachments: [added] })).values()].join()).toContain("hello");
});

test.each(["kept/../secret.txt", "kept-too/secret.txt", "secret.txt"])("%s is no attachment", async (path) => {
  const attachments = new Attachments(join(folder, "kept"));
  await mkdir(join(folder, "kept-too"));
  await writeFile(join(folder, "secret.txt"), "hidden");
  await writeFile(join(folder, "kept-too", "secret.txt"), "hidden");
  await expect(attachments.text(`${folder}/${path}`)).rejects.toThrow("not an attachment");
  const named = { id: "a", kind: "text" as const, name: "Pasted", path: `${folder}/${path}`, size: 6 };
  expect([...(await attachments.pasted({ ...emptyDraft, attachments: [named] })).values()].join()).not.toContain("hidden");
});
