/** A page of ours in a webview: one element, one style sheet, one script, and a policy that lets nothing else in. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

export function dist(extension: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extension, "dist");
}

export function page(webview: vscode.Webview, extension: vscode.Uri, element: string, script: string): string {
  const nonce = randomBytes(16).toString("base64");
  const uri = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist(extension), name)).toString();
  const csp = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data:`,
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${csp}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${uri("style.css")}">
<title>Treadle</title>
</head>
<body>
<${element}></${element}>
<script nonce="${nonce}" src="${uri(script)}" data-highlight="${uri("highlight.js")}"></script>
</body>
</html>`;
}
