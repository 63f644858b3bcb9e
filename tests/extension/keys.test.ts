// Keys in the secret store: where they go, and what can be the name of one.
import { describe, expect, test, vi } from "vitest";
import { isKeyName, Keys, type KeyStore } from "@src/keys";

vi.mock("vscode", () => ({}));

function store() {
  const state = new Map<string, unknown>();
  const secrets = new Map<string, string>();
  const listeners: ((event: { key: string }) => void)[] = [];
  const changed = (key: string) => {
    for (const listener of listeners) listener({ key });
  };
  return {
    state,
    secrets,
    globalState: {
      get: (key: string, otherwise: unknown) => state.get(key) ?? otherwise,
      update: async (key: string, value: unknown) => void state.set(key, value),
    },
    api: {
      get: async (key: string) => secrets.get(key),
      store: async (key: string, value: string) => {
        secrets.set(key, value);
        changed(key);
      },
      delete: async (key: string) => {
        secrets.delete(key);
        changed(key);
      },
      onDidChange: (listener: (event: { key: string }) => void) => {
        listeners.push(listener);
        return { dispose: () => undefined };
      },
    },
  };
}

const keysOf = (fake: ReturnType<typeof store>) =>
  new Keys({ globalState: fake.globalState, secrets: fake.api } as unknown as KeyStore);

describe("a key", () => {
  test("is in the secret store only, and in the environment under its name, which is told to the sidecar", async () => {
    const fake = store();
    const keys = keysOf(fake);
    await keys.set("MINE_API_KEY", "the words");
    await keys.set("GATEWAY", "others");
    expect(JSON.stringify([...fake.state])).not.toMatch(/the words|others/);
    expect(await keys.environment()).toEqual({ MINE_API_KEY: "the words", GATEWAY: "others", TREADLE_KEYS: "GATEWAY,MINE_API_KEY" });
    expect(await keysOf(fake).environment()).toHaveProperty("GATEWAY", "others");
  });

  test("that is removed is nowhere", async () => {
    const fake = store();
    const keys = keysOf(fake);
    await keys.set("MINE_API_KEY", "the words");
    await keys.remove("MINE_API_KEY");
    expect(keys.names()).toEqual([]);
    expect(await keys.environment()).toEqual({});
    expect(fake.secrets.size).toBe(0);
  });

  test("is there for who hears that it was set", async () => {
    const keys = keysOf(store());
    const heard = new Promise((told) => keys.onChange(() => told(keys.environment())));
    await keys.set("MINE_API_KEY", "the words");
    expect(await heard).toHaveProperty("MINE_API_KEY", "the words");
  });

  test("of ours that changes is noticed, others' are not", async () => {
    const fake = store();
    const noticed = vi.fn();
    const keys = keysOf(fake);
    keys.onChange(noticed);
    await fake.api.store("somebody.else", "x");
    expect(noticed).not.toHaveBeenCalled();
    await keys.set("MINE_API_KEY", "the words");
    await keys.remove("MINE_API_KEY");
    expect(noticed).toHaveBeenCalledTimes(2);
  });
});

test.each(["OPENAI_API_KEY", "mine", "_X1"])("%s can be the name of a key", (name) => {
  expect(isKeyName(name)).toBe(true);
});

test.each(["", "1X", "A B", "A=B", "PATH", "HOME", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "TREADLE_KEYS", "NODE_OPTIONS", "CODEX_HOME"])(
  "%j cannot be the name of a key",
  (name) => {
    expect(isKeyName(name)).toBe(false);
  },
);
