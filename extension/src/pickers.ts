/**
 * What is chosen under the composer: the model, its effort, whether edits are asked about, approvals, the sandbox. For the thread that is
 * open it is the thread's own setting, from its next turn on; without a thread, or when asked to, it is the setting for new threads.
 */
import * as vscode from "vscode";
import type { Choosable, ModelChoice, PanelState, Picked } from "./messages";
import type { Feature, Parts } from "./parts";
import { workspaceFolder } from "./settings";
import type { ViewEvent } from "./thread";
import type { ClientRequests } from "./wire";

type Update = ClientRequests["thread/settings/update"]["params"];

const profiles: Record<string, string> = {
  "read-only": ":read-only",
  "workspace-write": ":workspace",
  "danger-full-access": ":danger-full-access",
};

/** Under which name a new thread's choice is kept. */
const settingNames: Record<keyof Picked, string> = {
  model: "model",
  effort: "reasoningEffort",
  askBeforeEdits: "askBeforeEdits",
  approvalPolicy: "approvalPolicy",
  sandbox: "sandboxMode",
};

export class Pickers implements Feature {
  private models: ModelChoice[] = [];
  private defaults: Choosable = {
    model: "",
    effort: null,
    askBeforeEdits: true,
    approvalPolicy: "on-request",
    sandbox: "workspace-write",
  };
  private readonly watching: vscode.Disposable;
  /** How often the models were asked for, and which answer is the latest that came. */
  private asked = 0;
  private known = 0;

  constructor(private readonly parts: Parts) {
    this.watching = vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("treadle")) void this.read();
    });
  }

  readonly commands: Feature["commands"] = { "treadle.selectModel": () => this.selectModel() };

  readonly messages: Feature["messages"] = {
    pick: async ({ picked, forNew }) => {
      try {
        await this.pick(picked, forNew);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.parts.chat.notice("error", `pick:${Date.now()}`, `This cannot be chosen: ${why}`);
      }
    },
  };

  panelState(): Partial<PanelState> {
    return { models: this.models, defaults: this.defaults };
  }

  connected(): void {
    void this.read();
  }

  followed({ method }: ViewEvent): void {
    // A thread's provider may have other models than the one before.
    if (method === "panel/opened" || method === "panel/closed") void this.read();
  }

  dispose(): void {
    this.watching.dispose();
  }

  private async pick(picked: Picked, forNew: boolean): Promise<void> {
    const { chat, sidecar } = this.parts;
    const threadId = chat.view.id;
    if (threadId) await sidecar.request("thread/settings/update", { threadId, ...update(picked) });
    if (!threadId || forNew) await this.keep(picked);
  }

  private async keep(picked: Picked): Promise<void> {
    const settings = vscode.workspace.getConfiguration("treadle", workspaceFolder()?.uri);
    for (const [what, value] of Object.entries(picked)) {
      const name = settingNames[what as keyof Picked];
      const known = settings.inspect(name);
      const { WorkspaceFolder, Workspace, Global } = vscode.ConfigurationTarget;
      const target =
        known?.workspaceFolderValue !== undefined ? WorkspaceFolder : known?.workspaceValue !== undefined ? Workspace : Global;
      await settings.update(name, value, target);
    }
    await this.read();
  }

  private async read(): Promise<void> {
    const { sidecar, panel, log } = this.parts;
    if (sidecar.state.connection !== "ready") return;
    this.asked += 1;
    const mine = this.asked;
    try {
      const cwd = workspaceFolder()?.uri.fsPath;
      const { config } = await sidecar.request("config/read", cwd ? { cwd } : {});
      const models = await this.readModels(this.parts.chat.view.provider ?? config.model_provider);
      if (mine < this.known) return; // of another provider, perhaps
      this.known = mine;
      this.models = models;
      this.defaults = defaults(config);
      panel.refresh();
    } catch (error) {
      log.warn(`The models cannot be listed: ${error}`);
    }
  }

  /** Of the provider that is asked: another one's model would be nobody to it. */
  private async readModels(provider: string | null): Promise<ModelChoice[]> {
    const found: ModelChoice[] = [];
    for (let cursor: string | null | undefined; cursor !== null && found.length < 1_000; ) {
      const page = await this.parts.sidecar.request("model/list", {
        limit: 200,
        cursor: cursor ?? null,
        modelProvider: provider,
      });
      found.push(
        ...page.data.map((model) => ({
          id: model.model,
          name: model.displayName,
          words: model.description,
          efforts: model.supportedReasoningEfforts.map((effort) => effort.reasoningEffort),
          usualEffort: model.defaultReasoningEffort,
          images: model.inputModalities.includes("image"),
        })),
      );
      cursor = page.nextCursor;
    }
    return found;
  }

  private async selectModel(): Promise<void> {
    await this.parts.sidecar.ready();
    await this.read();
    const { view } = this.parts.chat;
    const now = view.model ?? this.defaults.model;
    const items = this.models.map((model) => ({
      label: model.name,
      description: model.id === model.name ? undefined : model.id,
      detail: model.words || undefined,
      iconPath: new vscode.ThemeIcon(model.id === now ? "check" : "sparkle"),
      id: model.id,
    }));
    const other = {
      label: "Another Model…",
      description: "by its name",
      detail: undefined,
      iconPath: new vscode.ThemeIcon("edit"),
      id: "",
    };
    const placeHolder = view.id ? "For this thread, from its next turn on" : "For new threads";
    const chosen = await vscode.window.showQuickPick([...items, other], {
      title: "Select Model",
      placeHolder,
      matchOnDescription: true,
      matchOnDetail: true,
    });
    const model =
      chosen?.id === ""
        ? await vscode.window.showInputBox({ title: "Select Model", prompt: "The name that the provider knows it by" })
        : chosen?.id;
    if (model?.trim()) await this.pick({ model: model.trim() }, false);
  }
}

function update({ model, effort, askBeforeEdits, approvalPolicy, sandbox }: Picked): Omit<Update, "threadId"> {
  return {
    ...(model ? { model } : {}),
    ...(effort ? { effort } : {}),
    ...(askBeforeEdits === undefined ? {} : { askBeforeEdits }),
    ...(approvalPolicy ? { approvalPolicy: approvalPolicy as Update["approvalPolicy"] } : {}),
    ...(sandbox && profiles[sandbox] ? { permissions: profiles[sandbox] } : {}),
  };
}

function defaults(config: ClientRequests["config/read"]["result"]["config"]): Choosable {
  const asks = vscode.workspace
    .getConfiguration("treadle", workspaceFolder()?.uri)
    .get<boolean | string | null>("askBeforeEdits");
  const told = (config as Record<string, unknown>).ask_before_edits;
  return {
    model: config.model ?? "",
    effort: config.model_reasoning_effort ?? null,
    askBeforeEdits: typeof told === "boolean" ? told : asks !== false,
    approvalPolicy: config.approval_policy ?? "on-request",
    sandbox: vscode.workspace.isTrusted ? (config.sandbox_mode ?? "workspace-write") : "read-only",
  };
}
