// What the check of the packaged extension finds.
import { expect, test } from "vitest";
// @ts-expect-error a script without types
import { problems } from "../../extension/dev/check_vsix.mjs";

/** A zip archive of stored files: what the check reads of one, and no more. */
function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = Buffer.from(`extension/${name}`);
    const data = Buffer.from(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(path.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt16LE(path.length, 28);
    central.writeUInt32LE(at, 42);
    parts.push(local, path, data);
    directory.push(central, path);
    at += local.length + path.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

const good = Object.fromEntries(
  [
    "package.json",
    "dist/extension.js",
    "dist/webview.js",
    "dist/style.css",
    "media/icon.png",
    "schema/config.schema.json",
    "bundled/libs/treadle/__main__.py",
    "bundled/libs/pydantic_core/__init__.py",
    "bundled/libs/certifi/cacert.pem",
  ].map((name) => [name, ""]),
);

test("has nothing to say of what belongs in it", () => {
  expect(problems(zip(good), Object.keys(good))).toEqual([]);
});

test.each([
  ["dist/extension.js.map", "", /source map/],
  ["src/panel.ts", "", /source/],
  ["bundled/libs/yaml/tests/test_it.py", "", /tests/],
  [".env", "", /secret/],
  ["media/server.key", "", /secret/],
  ["tsconfig.json", "", /build/],
  ["dist/webview.js", "//# sourceMappingURL=webview.js.map", /sourceMappingURL/],
  ["dist/extension.js", `const key = "sk-proj-${"a1".repeat(12)}"`, /looks like/],
])("finds %s", (name, text, said) => {
  expect(problems(zip({ ...good, [name]: text }), [])).toEqual([expect.stringMatching(said)]);
});

test("finds what is missing, what was listed and left out, and what is too large", () => {
  const { "dist/style.css": _, ...without } = good;
  expect(problems(zip(without), ["media/treadle.svg"])).toEqual(["dist/style.css is missing", "media/treadle.svg is listed and not in it"]);
  expect(problems(zip({ ...good, "bundled/big": "x".repeat(24_000_001) }), [])).toEqual([expect.stringContaining("are allowed")]);
});
