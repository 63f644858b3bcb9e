// The tests live in tests/extension, beside those of the other rooms; modules are resolved from here.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  cacheDir: here("node_modules/.vite"),
  server: { fs: { allow: [here("..")] } },
  resolve: {
    alias: [
      { find: /^@src\//, replacement: here("src/") },
      { find: /^@webview\//, replacement: here("webview/") },
      { find: /^vitest$/, replacement: here("node_modules/vitest") },
      { find: /^lit$/, replacement: here("node_modules/lit") },
      { find: /^diff$/, replacement: here("node_modules/diff") },
      { find: /^vscode-languageclient\/node$/, replacement: here("node_modules/vscode-languageclient/lib/node/main.js") },
    ],
  },
  test: { dir: here("../tests/extension"), include: ["**/*.test.ts"], passWithNoTests: false },
});
