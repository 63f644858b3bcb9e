/** What the panel's plain buttons and links do: words that are sent, files and addresses that are opened, text that is taken along. */
import * as vscode from "vscode";
import { openFile, openThread } from "./commands";
import type { PanelCommand } from "./messages";
import type { Feature, Parts } from "./parts";
import { picture } from "./pictures";
import { checkRule } from "./rules";
import { workspaceFolder } from "./settings";

export class Basics implements Feature {
  constructor(private readonly parts: Parts) {}

  readonly messages: Feature["messages"] = {
    focused: () => this.parts.diffs.left(),
    send: ({ text }) => this.parts.chat.send(text),
    resend: ({ clientId }) => this.parts.chat.resend(clientId),
    takeBack: ({ clientId }) => this.parts.chat.takeBack(clientId),
    answer: ({ id, answer }) => this.parts.questions.answer(id, answer),
    checkRule: async ({ number, subject }) => {
      const { sidecar, chat, panel, log } = this.parts;
      const reply = panel.replier();
      reply({ type: "ruleChecked", number, problem: await checkRule(sidecar, subject, chat.view.id, log) });
    },
    openDiff: async ({ itemId, path }) => {
      const { questions, chat, log } = this.parts;
      if (!(await questions.openDiff(itemId, path))) await openFile(path, chat.view.cwd, log);
    },
    openFile: ({ path }) => openFile(path, this.parts.chat.view.cwd ?? workspaceFolder()?.uri.fsPath ?? null, this.parts.log),
    openLink: async ({ url }) => {
      if (/^https?:\/\//i.test(url)) await vscode.env.openExternal(vscode.Uri.parse(url, true));
    },
    openThread: ({ id }) => openThread(this.parts, id),
    copy: ({ text }) => vscode.env.clipboard.writeText(text),
    insert: ({ text }) => insert(text),
    dismiss: ({ key }) => this.parts.chat.receive({ method: "panel/notice/dismissed", params: { key } }),
    command: ({ command }) => this.command(command),
  };

  readonly answers: Feature["answers"] = { picture: ({ path }) => picture(path) };

  dispose(): void {}

  private command(command: PanelCommand): unknown {
    switch (command) {
      case "openFolder":
        return vscode.commands.executeCommand("workbench.action.files.openFolder");
      case "trust":
        return vscode.commands.executeCommand("workbench.trust.manage");
      case "setApiKey":
        return vscode.commands.executeCommand("treadle.setApiKey", this.parts.chat.view.provider);
      case "retry":
        return this.parts.chat.retry();
      default:
        return vscode.commands.executeCommand(`treadle.${command}`);
    }
  }
}

async function insert(text: string): Promise<void> {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (!editor) {
    await vscode.workspace.openTextDocument({ content: text }).then((document) => vscode.window.showTextDocument(document));
    return;
  }
  await editor.insertSnippet(new vscode.SnippetString().appendText(text), editor.selection);
}
