// Pictures for the panel: recognised by how they begin, bounded, and never anything else of the disk.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { picture } from "@src/pictures";

const folder = mkdtempSync(join(tmpdir(), "treadle-pictures-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe("a picture", () => {
  test.each([
    ["png", "\x89PNG\r\n\x1a\nrest"],
    ["jpeg", "\xff\xd8\xff\xe0rest"],
    ["gif", "GIF89arest"],
    ["webp", "RIFF\x01\x02\x03\x04WEBPrest"],
  ])("of kind %s is known by how it begins, whatever its name", async (kind, text) => {
    const bytes = Buffer.from(text, "latin1");
    expect(await picture(file(`${kind}.txt`, bytes))).toBe(`data:image/${kind};base64,${bytes.toString("base64")}`);
  });

  test("is nothing else of the disk", async () => {
    expect(await picture(file("key.png", "a secret"))).toBeNull();
    expect(await picture(file("drawing.svg", "<svg onload='x'/>"))).toBeNull();
    expect(await picture(folder)).toBeNull();
    expect(await picture(join(folder, "gone.png"))).toBeNull();
  });

  test("has a bound", async () => {
    const large = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(10 * 1024 * 1024)]);
    expect(await picture(file("large.png", large))).toBeNull();
  });
});
