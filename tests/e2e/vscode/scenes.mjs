// What the tests in VS Code have in common: a scripted model, VS Code opened on the sample project, and evidence when a test fails.
// A scene ends everything that it started, and fails when a request left the machine or did not extend the one before.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startModel } from './fake-model.mjs';
import { start } from './harness.mjs';
import { camera, DARK, Panel } from './panel.mjs';
import * as workbench from './workbench.mjs';

const SAMPLE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'extension', 'dev', 'sample');
export { CONTRAST, DARK, LIGHT } from './panel.mjs';

// The Python that .venv was made of: the packaged sidecar must run without anything that .venv holds.
export const python = execFileSync(process.env.TREADLE_PYTHON, ['-c', 'import sys; print(sys._base_executable)'], { encoding: 'utf8' }).trim();

export const config = (url) => `
model = "scripted"
model_context_window = 128000
model_provider = "scripted"

[model_providers.scripted]
name = "Scripted"
base_url = "${url}"
env_key = "SCRIPTED_KEY"
request_max_retries = 1
stream_max_retries = 1
`;

/** Runs `act` with everything that it needs; `script` is what the model will say. */
export const scene = (name, { script = [], theme = DARK, settings = {}, providers = config, key = 'a-key', machine = {}, files = {}, repository = false, trust = false, folders = [], width = 430, viewport } = {}, act) => async () => {
  const model = await startModel(script);
  let vscode;
  try {
    vscode = await start({
      workspace: SAMPLE,
      viewport,
      settings: { 'workbench.colorTheme': theme, ...settings },
      machineSettings: { 'treadle.python.interpreter': python, ...machine },
      env: key ? { SCRIPTED_KEY: key } : {},
      files: { '.codex/config.toml': providers(model.url), ...files },
      repository,
      trust,
      folders,
    });
    const { page } = vscode;
    const shot = camera(page, name, vscode, theme);
    try {
      await page.goto(vscode.url);
      await workbench.ready(page);
      const panel = await Panel.open(page);
      await workbench.widen(page, width);
      await act({ ...vscode, model, panel, shot });
      assert.deepEqual(model.faults, [], 'every request extends the one before, and the script was long enough');
      assert.deepEqual([...vscode.outside], [], 'no request leaves the machine');
      assert.deepEqual(shot.faults, [], 'axe-core finds nothing serious');
    } catch (error) {
      await shot('failed').catch(() => {});
      vscode.keepLogs(name);
      throw error;
    }
  } finally {
    await vscode?.stop();
    await model.stop();
  }
};
