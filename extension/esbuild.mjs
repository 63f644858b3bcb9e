// Bundles the extension host (one CommonJS file) and the webview (scripts without imports, so that a nonce is all the CSP must allow).
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import * as esbuild from "esbuild";

const production = process.argv.includes("--production");
const watch = process.argv.includes("--watch");

const common = {
  bundle: true,
  minify: production,
  sourcemap: production ? false : "linked",
  logLevel: "info",
  legalComments: "none",
};

const host = {
  ...common,
  entryPoints: { extension: "src/extension.ts" },
  outdir: "dist",
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
};

const webview = {
  ...common,
  entryPoints: {
    webview: "webview/main.ts",
    permissions: "webview/permissions.ts",
    highlight: "webview/highlight.ts",
    style: "webview/style.css",
  },
  outdir: "dist",
  platform: "browser",
  format: "iife",
  target: "es2022",
  loader: { ".ttf": "file" },
  assetNames: "[name]",
};

for (const name of ["extension", "webview", "permissions", "highlight", "style"]) {
  for (const ending of ["js", "css", "js.map", "css.map"]) rmSync(`dist/${name}.${ending}`, { force: true });
}
mkdirSync("dist", { recursive: true });
copyFileSync("../LICENSE", "dist/LICENSE.txt");
if (watch) {
  for (const options of [host, webview]) await (await esbuild.context(options)).watch();
} else {
  await Promise.all([esbuild.build(host), esbuild.build(webview)]);
}
