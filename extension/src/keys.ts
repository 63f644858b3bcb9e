/**
 * Keys of model providers that the user gave to VS Code's secret store, each under the name of the environment variable in which its
 * provider looks for it. They go to the sidecar in its process's environment and nowhere else: no setting, no log, no other program.
 */
import type * as vscode from "vscode";

const listed = "treadle.keys";
const secret = (name: string) => `treadle.key.${name}`;

/** The sidecar hides variables of these names from everything that it starts. */
const told = "TREADLE_KEYS";

export type KeyStore = Pick<vscode.ExtensionContext, "globalState" | "secrets">;

export class Keys {
  constructor(private readonly store: KeyStore) {}

  names(): string[] {
    return this.store.globalState.get<string[]>(listed, []);
  }

  async set(name: string, key: string): Promise<void> {
    // listed first: whoever hears of the new secret looks for it at once
    await this.store.globalState.update(listed, [...new Set([...this.names(), name])].sort());
    await this.store.secrets.store(secret(name), key);
  }

  async remove(name: string): Promise<void> {
    await this.store.secrets.delete(secret(name));
    await this.store.globalState.update(
      listed,
      this.names().filter((other) => other !== name),
    );
  }

  /** As variables of a process's environment. */
  async environment(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of this.names()) {
      const key = await this.store.secrets.get(secret(name));
      if (key) found[name] = key;
    }
    const names = Object.keys(found);
    return names.length ? { ...found, [told]: names.join(",") } : {};
  }

  /** One was set or removed, in this window or in another. */
  onChange(react: () => void): vscode.Disposable {
    return this.store.secrets.onDidChange((event) => {
      if (event.key.startsWith(secret(""))) react();
    });
  }
}

/** What can be the name of an environment variable of somebody else's choice, and would not change how the sidecar runs. */
export function isKeyName(name: string): boolean {
  return (
    /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name) && !/^(PATH|HOME|(LD|DYLD|PYTHON|TREADLE|CODEX_HOME|NODE|SSL).*)$/i.test(name)
  );
}
