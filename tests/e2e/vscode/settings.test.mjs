// What a person sets up: trust, a key, the folder that the agent works in. And what VS Code shows of it: settings, walkthrough, diagnostics.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, run, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { config, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const outputs = (request) => request.input.filter(({ type }) => type.endsWith('_output')).map(({ output }) => output);

const EDIT = `*** Begin Patch
*** Update File: basket.py
@@
-    name: str
+    title: str
*** End Patch`;
const TRAP = '\n[mcp_servers.trap]\ncommand = "sh"\nargs = ["-c", "touch server-ran"]\n';
const wary = [
  [run('touch ran'), patch(EDIT)], [say('I may only talk here.')],
  [run('touch ran')], [say('Now it is done.')],
];

test('in a workspace that is not trusted it talks and does nothing; trusted, the thread goes on', scene('restricted', {
  trust: true, script: wary, providers: (url) => config(url) + TRAP, settings: { 'treadle.askBeforeEdits': false },
}, async ({ panel, page, model, shot, ws }) => {
  await panel.at('restricted').waitFor();
  writeFileSync(join(ws, 'AGENTS.md'), 'Words of the folder.');
  await panel.send('Do it');
  await panel.answered('I may only talk here.');
  assert.equal(outputs(model.requests[1]).length, 2);
  for (const output of outputs(model.requests[1])) assert.match(output, /has not trusted this workspace/);
  assert.doesNotMatch(JSON.stringify(model.requests[0]), /Words of the folder/);
  assert.equal(existsSync(join(ws, 'ran')), false);
  assert.equal(existsSync(join(ws, 'server-ran')), false);
  assert.doesNotMatch(readFileSync(join(ws, 'basket.py'), 'utf8'), /title: str/);
  await shot.themes('talks');
  await panel.at('restricted').click();
  await workbench.trust(page);
  await eventually(() => panel.at('restricted').count(), (count) => count === 0, 'the chip');
  await panel.answered('I may only talk here.');
  await eventually(() => existsSync(join(ws, 'server-ran')), Boolean, 'the MCP server that was started');
  await panel.send('Go on');
  await panel.answered('Now it is done.');
  assert.equal(existsSync(join(ws, 'ran')), true);
  assert.match(JSON.stringify(model.requests[2]), /Words of the folder/);
  await shot('goes-on');
}));

const KEY = 'words-of-the-scripted-provider';
/** What has the key on disk, of all that VS Code and Treadle write in clear. */
const written = (place) => {
  try {
    return execFileSync('grep', ['-rl', KEY, place.home, join(place.data, 'logs'), join(place.data, 'User', 'settings.json'), place.ws], { encoding: 'utf8' });
  } catch {
    return '';
  }
};

/** How often the sidecar was started. */
const starts = ({ data }) => {
  const logs = readdirSync(join(data, 'logs'), { recursive: true }).filter((name) => name.endsWith('Treadle.log'));
  return logs.map((name) => readFileSync(join(data, 'logs', name), 'utf8')).join('').split('started by').length - 1;
};

test('a key is asked for where it is missed, used, and seen by no command; the set-up is shown', scene('key', {
  key: null, script: [[run('env; tr "\\0" "\\n" < /proc/$PPID/environ; echo end')], [say('I see no key.')]],
}, async (vscode) => {
  const { panel, page, model, shot } = vscode;
  await panel.send('Hello');
  await panel.at('set-key').waitFor();
  await shot.themes('missed');
  await panel.at('set-key').click();
  const box = page.locator('.quick-input-widget input[type=password]');
  await box.fill(KEY);
  await shot('asked');
  await page.keyboard.press('Enter');
  await workbench.notifications(page).getByText("kept in VS Code's secret store").waitFor();
  await eventually(() => starts(vscode), (count) => count === 2, 'starts of the sidecar');
  await panel.at('retry').click();
  await panel.answered('I see no key.');
  assert.deepEqual(model.authorizations, [`Bearer ${KEY}`, `Bearer ${KEY}`]);
  assert.match(outputs(model.requests[1])[0], /end/);
  assert.doesNotMatch(JSON.stringify(model.requests), new RegExp(KEY));
  await workbench.command(page, 'Treadle: Copy Diagnostics');
  await workbench.notifications(page).getByText('diagnostics are in the clipboard').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /# Treadle's set-up/);
  assert.match(copied, /Key: nothing is missing[\s\S]*keys in the secret store: SCRIPTED_KEY/);
  assert.match(copied, /## Last lines of the log[\s\S]*Sidecar/);
  assert.doesNotMatch(copied, new RegExp(KEY));
  assert.equal(written(vscode), '');
  await workbench.command(page, 'Notifications: Clear All Notifications');
  await workbench.command(page, 'Treadle: Get Started');
  await page.getByText('Choose who answers').first().waitFor();
  await workbench.command(page, 'View: Toggle Primary Side Bar Visibility'); // with less room it shows no pictures
  await shot.themes('walkthrough');
  await workbench.command(page, 'Treadle: Open Settings');
  await page.locator('.settings-editor').getByText('Reasoning Effort').first().waitFor();
  await shot('settings');
}));

test('with several folders it says where it works, can be sent to another, and writes in all of them', scene('folders', {
  folders: ['tools'], width: 430, script: [[run('pwd > here.txt')], [say('In the first.')], [run('pwd > here.txt; echo x > ../basket/there.txt')], [say('In the second.')]],
}, async ({ panel, page, model, shot, dir, ws }) => {
  await panel.at('folders').getByText('basket').first().waitFor();
  await panel.send('Where are you?');
  await panel.answered('In the first.');
  assert.equal(readFileSync(join(ws, 'here.txt'), 'utf8').trim(), ws);
  const first = JSON.stringify(model.requests[0].input);
  assert.ok(first.includes(`<root>${join(dir, 'tools')}</root>`), 'the other folder is a root');
  assert.match(first, new RegExp(`Writable folders: [^.]*${join(dir, 'tools')}`));
  await panel.at('folders').click();
  await shot.themes('choose');
  await panel.at('folders').getByRole('button', { name: 'tools' }).click();
  await eventually(() => panel.at('folders').locator('summary').innerText(), (text) => text.includes('tools'), 'the folder');
  await panel.send('And now?');
  await panel.answered('In the second.');
  assert.equal(readFileSync(join(dir, 'tools', 'here.txt'), 'utf8').trim(), join(dir, 'tools'));
  assert.equal(readFileSync(join(ws, 'there.txt'), 'utf8').trim(), 'x');
  await workbench.command(page, 'Treadle: Choose Folder');
  await workbench.choose(page, 'basket');
  await eventually(() => panel.at('folders').locator('summary').innerText(), (text) => text.includes('basket'), 'the folder');
  await workbench.widen(page, 280);
  await panel.at('folders').click();
  await shot('back-narrow');
}));
