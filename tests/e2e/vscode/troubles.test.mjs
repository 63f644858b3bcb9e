// What the panel says and does when things go wrong or are cut short: no key, nobody there, stop, reload, a decline.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { after, patch, ramble, run, say } from './fake-model.mjs';
import { setMachine } from './harness.mjs';
import { eventually, Panel } from './panel.mjs';
import { python, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const oneSentence = async (panel, pattern) => {
  const card = panel.at('error-card').first();
  await card.waitFor({ timeout: 40_000 });
  const text = await card.innerText();
  assert.match(text, pattern);
  assert.doesNotMatch(text, /Traceback|File "|\.py:\d+|Error:/);
  await panel.idle();
};

test('without the key it says which one is missing', scene('no-key', { key: null }, async ({ panel, shot, model }) => {
  await panel.send('Hello');
  await oneSentence(panel, /SCRIPTED_KEY/);
  assert.equal(model.requests.length, 0);
  await shot('told');
}));

const nobody = () => `
model = "scripted"
model_provider = "nobody"

[model_providers.nobody]
name = "Nobody"
base_url = "http://127.0.0.1:9/v1"
request_max_retries = 0
stream_max_retries = 0
`;

test('when the provider cannot be reached it says so and keeps the words', scene('unreachable', { providers: nobody }, async ({ panel, shot }) => {
  await panel.send('Is anybody there?');
  await oneSentence(panel, /127\.0\.0\.1:9|Nobody/);
  assert.equal(await panel.at('message-user').count(), 1);
  await shot('told');
}));

test('the stop button ends the turn, and the next one works', scene('stop', { script: [[ramble()], [say('Here again.')]] }, async ({ panel, shot, model }) => {
  await panel.send('Talk until I stop you');
  await panel.at('message-agent').first().getByText('and so on').waitFor();
  await shot('rambling');
  await panel.at('stop').click();
  await panel.idle();
  await eventually(() => model.hangUps, (count) => count === 1, 'connections that the sidecar hung up');
  await panel.send('Are you there?');
  await panel.answered('Here again.');
  await shot('next-turn');
}));

const WISH = `*** Begin Patch
*** Update File: basket.py
@@
-    name: str
+    title: str
*** End Patch`;

test('a declined edit leaves the file as it was and the model is told', scene('decline', { width: 390, script: [[patch(WISH)], [say('Then I leave it.')]] }, async ({ panel, shot, model, ws }) => {
  const before = readFileSync(join(ws, 'basket.py'), 'utf8');
  await panel.send('Rename it');
  await panel.at('approve-decline').first().waitFor();
  const tops = () => panel.frame.locator('.approval .answers > *').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
  await eventually(tops, (all) => all.length === 5 && new Set(all).size === 1, 'the answers stand in one row of a panel as wide as VS Code makes it');
  await shot('asks');
  await panel.at('approve-decline').first().click();
  await panel.answered('Then I leave it.');
  assert.equal(readFileSync(join(ws, 'basket.py'), 'utf8'), before);
  assert.match(JSON.stringify(model.requests[1].input.at(-1)), /custom_tool_call_output.*(declin|reject)/i);
  await shot('left');
}));

const busy = Promise.withResolvers(); // else the edit may be proposed before the person is in the editor
const typing = { script: [[after(busy.promise, patch(WISH))], [say('Done.')]] };

test('a person who is typing in an editor keeps the keyboard when an edit is proposed', scene('typing', typing, async ({ panel, page, shot, ws }) => {
  await workbench.openFile(page, 'README.md');
  await panel.send('Rename it');
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('Hello ');
  busy.resolve();
  await panel.at('approval').first().waitFor();
  await page.keyboard.type('world ');
  const line = page.locator('.monaco-editor .view-line').first();
  await eventually(() => line.innerText(), (text) => /^Hello\sworld\s#\sBasket$/.test(text), 'the line that the person types in');
  assert.equal(await workbench.diffEditor(page).count(), 0, 'no diff covers the editor that is in use');
  assert.doesNotMatch(readFileSync(join(ws, 'basket.py'), 'utf8'), /title: str/);
  await shot('asks');
  await panel.at('approve-accept').first().click();
  await eventually(() => readFileSync(join(ws, 'basket.py'), 'utf8'), (text) => text.includes('title: str'), 'the file on disk');
}));

const past = [[say('The answer is forty-two.'), run('echo from-the-first-life')], [say('That was the command.')], [say('Yes, I remember.')]];

test('after the window is reloaded the thread is there and goes on', scene('reload', { script: past }, async ({ panel, page, shot }) => {
  await panel.send('What is the answer?');
  await panel.answered('That was the command.');
  await eventually(() => workbench.stored(page), (all) => all.includes('"treadle.lastThread"'), 'the shown thread among what VS Code has stored');
  await page.reload();
  await workbench.ready(page);
  const again = await Panel.open(page);
  await again.at('message-agent').getByText('The answer is forty-two.').waitFor();
  await again.at('message-user').getByText('What is the answer?').waitFor();
  assert.equal(await again.at('card-command').count(), 1);
  await shot('restored');
  await again.send('Do you remember?');
  await again.answered('Yes, I remember.');
  await shot('goes-on');
}));

const nowhere = { machine: { 'treadle.python.interpreter': '/nowhere/python3' }, script: [[say('Now I can read it.')]] };
const words = 'Do not lose these words';

/** How often the sidecar did not start, by the log. */
const failures = ({ data }) => {
  const logs = readdirSync(join(data, 'logs'), { recursive: true }).filter((name) => name.endsWith('Treadle.log'));
  return logs.map((name) => readFileSync(join(data, 'logs', name), 'utf8')).join('').split('did not start').length - 1;
};

test('words that find no sidecar stay, survive a reload, and are sent when the setting is put right', scene('no-python', nowhere, async (vscode) => {
  const { panel, page, shot, model } = vscode;
  await panel.send(words);
  await panel.at('unsent').getByText(words).waitFor();
  await panel.at('banner').getByText('/nowhere/python3: not found').waitFor();
  await eventually(() => panel.input.inputValue(), (text) => text === '', 'the words are in one place');
  await panel.idle();
  await shot('kept');
  await eventually(() => workbench.stored(page), (all) => all.includes(words), 'the words among what VS Code has stored');
  await page.reload();
  await workbench.ready(page);
  const again = await Panel.open(page);
  await again.at('unsent').getByText(words).waitFor();
  await workbench.command(page, 'Treadle: Check Set-up');
  await workbench.editorText(page).getByText('/nowhere/python3: not found').waitFor();
  const before = failures(vscode);
  await again.at('resend').click();
  await eventually(() => failures(vscode), (count) => count > before, 'starts that failed'); // else it may be the one that finds a Python
  await eventually(() => again.at('unsent').count(), (count) => count === 1, 'messages that are not sent');
  assert.equal(model.requests.length, 0);
  setMachine(vscode, { 'treadle.python.interpreter': python });
  await eventually(() => again.at('banner').count(), (count) => count === 0, 'banners');
  await again.at('resend').click();
  await again.answered('Now I can read it.');
  assert.equal(await again.at('unsent').count(), 0);
  assert.equal(await again.at('message-user').count(), 1);
  await workbench.command(page, 'Treadle: Check Set-up');
  await workbench.editorText(page).getByText('All is well.').waitFor();
  await workbench.editorText(page).getByText('scripted from scripted').waitFor();
  await shot('sent');
}));

/** Answers the handshake as the sidecar does and then dies whenever it is to serve. */
const dying = () => {
  const folder = mkdtempSync(join(tmpdir(), 'treadle-dying-'));
  const program = join(folder, 'treadle');
  writeFileSync(program, `#!/bin/sh\nif [ "$1" = --version ]; then echo '{"version": "0"}'; else exit 3; fi\n`);
  chmodSync(program, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true }));
  return { machine: { 'treadle.sidecar.path': program } };
};

test('words sent to a sidecar that dies while it starts can be taken back and changed', scene('dies', dying(), async ({ panel, page, shot }) => {
  await panel.send(words);
  await panel.at('unsent').getByText(words).waitFor();
  await panel.idle();
  await panel.type('and these');
  await panel.at('take-back').click();
  await eventually(() => panel.at('unsent').count(), (count) => count === 0, 'messages that are not sent');
  await eventually(() => panel.input.inputValue(), (text) => text === `and these\n\n${words}`, 'the words where they are written');
  await panel.at('banner').getByText('keeps stopping').waitFor({ timeout: 60_000 });
  await panel.keyboardIn('chat-input');
  await page.keyboard.press('Enter');
  await panel.at('unsent').getByText('and these').waitFor();
  assert.deepEqual(await workbench.notifications(page).allInnerTexts(), [], 'the panel says it, once, and not in words of pipes');
  await shot('kept');
}));
