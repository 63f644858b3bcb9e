/**
 * Keys of model providers: asked for, kept in VS Code's secret store, taken away again. A key is never shown, logged or written to a
 * setting; the sidecar gets it when it is started anew.
 */
import { homedir } from "node:os";
import * as vscode from "vscode";
import { isKeyName, Keys } from "./keys";
import type { Feature, Parts } from "./parts";
import { readSettings, workspaceFolder } from "./settings";
import { startingConfig } from "./starting_config";

interface Named {
  id: string;
  key: string;
  provider: string;
  inUse: boolean;
}

export class SignIn implements Feature {
  private readonly keys: Keys;

  constructor(private readonly parts: Parts) {
    this.keys = new Keys(parts.context);
  }

  readonly commands: Feature["commands"] = {
    "treadle.setApiKey": (provider) => this.set(typeof provider === "string" ? provider : undefined),
    "treadle.removeApiKey": () => this.remove(),
    "treadle.openConfig": () => this.openConfig(),
  };

  dispose(): void {}

  /** `of`: the provider whose key is wanted; undefined: the user says which. */
  private async set(of: string | undefined): Promise<void> {
    const known = of ? (await this.named()).find(({ id }) => id === of) : undefined;
    const chosen = known?.key ?? (await this.choose());
    if (!chosen) return;
    const key = await vscode.window.showInputBox({
      title: `API Key: ${chosen}`,
      prompt: "Kept in VS Code's secret store, and given to the sidecar only. The agent's commands never see it.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => (/[\0\r\n]/.test(text) ? "A key is one line." : undefined),
    });
    if (!key?.trim()) return;
    await this.keys.set(chosen, key.trim());
    void vscode.window.showInformationMessage(`The key for ${chosen} is kept in VS Code's secret store.`);
  }

  /** Which provider's; the one in use first. */
  private async choose(): Promise<string | undefined> {
    const found = await this.named();
    const stored = this.keys.names();
    const rows: (vscode.QuickPickItem & { key?: string })[] = found.map(({ key, provider, inUse }) => ({
      label: provider,
      description: key,
      detail: [inUse ? "In use" : "", stored.includes(key) ? "A key is stored" : ""].filter(Boolean).join(" · ") || undefined,
      key,
    }));
    rows.push({ label: "Another provider…", description: "its env_key in config.toml" });
    const row = await vscode.window.showQuickPick(rows, {
      title: "Set API Key",
      placeHolder: "The provider that the key is for",
    });
    if (!row) return undefined;
    return row.key ?? this.askName();
  }

  private async askName(): Promise<string | undefined> {
    const name = await vscode.window.showInputBox({
      title: "Set API Key",
      prompt: "The name in env_key of your provider in config.toml, for example MINE_API_KEY",
      validateInput: (text) =>
        isKeyName(text.trim()) ? undefined : "Letters, digits and _; not a name that programs are steered by.",
    });
    return name?.trim();
  }

  /** Every provider that wants a key. When the sidecar cannot be asked, the one that everybody knows. */
  private async named(): Promise<Named[]> {
    const cwd = workspaceFolder()?.uri.fsPath;
    const [providers, read] = await Promise.all([
      this.parts.sidecar.request("modelProvider/list", {}).catch(() => null),
      this.parts.sidecar.request("config/read", cwd ? { cwd } : {}).catch(() => null),
    ]);
    const rows = (providers?.data ?? []).flatMap(({ id, name, settings }) => {
      const key = settings.type === "openai" ? "OPENAI_API_KEY" : "envKey" in settings.auth ? settings.auth.envKey : null;
      return key && isKeyName(key) ? [{ id, key, provider: name, inUse: id === read?.config.model_provider }] : [];
    });
    return rows.length
      ? rows.sort((a, b) => Number(b.inUse) - Number(a.inUse))
      : [{ id: "openai", key: "OPENAI_API_KEY", provider: "OpenAI", inUse: false }];
  }

  private async remove(): Promise<void> {
    const names = this.keys.names();
    if (!names.length) {
      void vscode.window.showInformationMessage("No API key is stored in VS Code's secret store.");
      return;
    }
    const name = await vscode.window.showQuickPick(names, { title: "Remove API Key" });
    if (!name) return;
    await this.keys.remove(name);
    void vscode.window.showInformationMessage(`The key for ${name} was removed.`);
  }

  /** The schema of config.toml at a place that stays the same when the extension is updated. */
  private async schema(): Promise<vscode.Uri> {
    const { extensionUri, globalStorageUri } = this.parts.context;
    const kept = vscode.Uri.joinPath(globalStorageUri, "config.schema.json");
    await vscode.workspace.fs.createDirectory(globalStorageUri);
    await vscode.workspace.fs.copy(vscode.Uri.joinPath(extensionUri, "schema", "config.schema.json"), kept, { overwrite: true });
    return kept;
  }

  /** The user's config.toml; one that is not there yet is made, with everything in it explained and nothing set. */
  private async openConfig(): Promise<void> {
    const home = readSettings().environment.CODEX_HOME || process.env.CODEX_HOME;
    const folder = home ? vscode.Uri.file(home) : vscode.Uri.joinPath(vscode.Uri.file(homedir()), ".codex");
    const file = vscode.Uri.joinPath(folder, "config.toml");
    const there = await vscode.workspace.fs.stat(file).then(
      () => true,
      () => false,
    );
    // without its schema the file is as good
    const schema = await this.schema().catch(() => null);
    const first = schema ? `#:schema ${schema}\n` : "";
    if (!there) await vscode.workspace.fs.writeFile(file, Buffer.from(first + startingConfig));
    await vscode.window.showTextDocument(file);
  }
}
