// Which settings are told to the sidecar: those that a user has set, and of an untrusted workspace none of its own.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
// @ts-expect-error a script without types
import { written } from "../../extension/dev/settings_table.mjs";
import { explicit, inConfig, inConfigOfProcess, said, withTakenBack } from "@src/overrides";

interface Property {
  scope: string;
  default: unknown;
  markdownDescription?: string;
  enum?: string[];
}

const manifest = JSON.parse(readFileSync(new URL("../../extension/package.json", import.meta.url), "utf8"));
const sections: { properties: Record<string, Property> }[] = manifest.contributes.configuration;
const properties: Record<string, Property> = Object.assign({}, ...sections.map((section) => section.properties));

const asked = (values: Record<string, object>) => ({ inspect: (name: string) => values[name] });

describe("a setting", () => {
  test("that nobody has set is not told, whatever VS Code's default is", () => {
    const from = asked({ askBeforeEdits: { defaultValue: true }, sandboxMode: { defaultValue: "default" } });
    expect(said(from, inConfig, true)).toEqual({});
  });

  test("that is set is told under its name in config.toml, also when it says what the default says", () => {
    const from = asked({ askBeforeEdits: { defaultValue: true, globalValue: true }, "sandbox.writableRoots": { globalValue: [] } });
    expect(said(from, inConfig, true)).toEqual({ ask_before_edits: true, "sandbox_workspace_write.writable_roots": [] });
  });

  test("of a folder outranks that of the workspace, and that the user's", () => {
    const values = { globalValue: "a", workspaceValue: "b", workspaceFolderValue: "c" };
    expect(explicit(asked({ model: values }), "model", true)).toBe("c");
    expect(explicit(asked({ model: { ...values, workspaceFolderValue: undefined } }), "model", true)).toBe("b");
  });

  test("of an untrusted workspace is not looked at", () => {
    const values = { globalValue: "mine", workspaceValue: "theirs", workspaceFolderValue: "theirs" };
    expect(explicit(asked({ model: values }), "model", false)).toBe("mine");
    expect(explicit(asked({ model: { workspaceValue: "theirs" } }), "model", false)).toBeUndefined();
  });

  test.each(["", "  ", "default", null])("with the value %j leaves it to config.toml", (value) => {
    expect(explicit(asked({ model: { globalValue: value } }), "model", true)).toBeUndefined();
  });

  test("that is not set any more is taken back", () => {
    expect(withTakenBack({ model: "b" }, { model: "a", sandbox_mode: "read-only" })).toEqual({ model: "b", sandbox_mode: null });
  });
});

describe("package.json", () => {
  const sent = Object.entries({ ...inConfig, ...inConfigOfProcess });

  test.each(sent)("has %s and says that %s of config.toml counts until it is set", (name, key) => {
    const property = properties[`treadle.${name}`];
    expect(property?.markdownDescription).toContain(`\`${key}\``);
    if (property?.enum) expect([property.default, property.enum[0]]).toEqual(["default", "default"]);
  });

  test("lets no workspace that is not trusted set what is sent, or which program runs", () => {
    const restricted: string[] = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
    const programs = ["sidecar.path", "python.interpreter", "environment"];
    for (const name of [...Object.keys(inConfig), ...programs]) expect(restricted).toContain(`treadle.${name}`);
    for (const name of restricted) expect(properties).toHaveProperty([name]);
    for (const name of Object.keys(inConfigOfProcess)) expect(properties[`treadle.${name}`]?.scope).toBe("application");
    for (const name of programs) expect(properties[`treadle.${name}`]?.scope).toBe("machine-overridable");
  });

  test("names only commands that it has in the walkthrough, and pictures that are there", () => {
    const commands = new Set(manifest.contributes.commands.map(({ command }: { command: string }) => command));
    for (const { steps } of manifest.contributes.walkthroughs) {
      expect(steps.length).toBeGreaterThanOrEqual(4);
      for (const step of steps) {
        for (const [, command] of step.description.matchAll(/\(command:([^)]+)\)/g)) expect(commands).toContain(command);
        expect(readFileSync(new URL(`../../extension/${step.media.svg}`, import.meta.url), "utf8")).toContain("<svg");
      }
    }
  });

  test("is what the README says of settings; else run node extension/dev/settings_table.mjs", () => {
    const page = readFileSync(new URL("../../extension/README.md", import.meta.url), "utf8");
    expect(page).toBe(written(page, manifest));
  });

  test("has every command once", () => {
    const commands = manifest.contributes.commands.map(({ command }: { command: string }) => command);
    expect(commands.filter((command: string, at: number) => commands.indexOf(command) !== at)).toEqual([]);
  });
});
