// What the panel says and does when things go wrong or are cut short: no key, nobody there, stop, reload, a decline.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, ramble, run, say } from './fake-model.mjs';
import { eventually, Panel } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const idle = (panel) => eventually(() => panel.at('stop').count(), (count) => count === 0, 'the stop button');

const oneSentence = async (panel, pattern) => {
  const card = panel.at('error-card').first();
  await card.waitFor({ timeout: 40_000 });
  const text = await card.innerText();
  assert.match(text, pattern);
  assert.doesNotMatch(text, /Traceback|File "|\.py:\d+|Error:/);
  await idle(panel);
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
  await idle(panel);
  await eventually(() => model.hangUps, (count) => count === 1, 'connections that the sidecar hung up');
  await panel.send('Are you there?');
  await panel.at('message-agent').last().getByText('Here again.').waitFor();
  await idle(panel);
  await shot('next-turn');
}));

const WISH = `*** Begin Patch
*** Update File: basket.py
@@
-    name: str
+    title: str
*** End Patch`;

test('a declined edit leaves the file as it was and the model is told', scene('decline', { script: [[patch(WISH)], [say('Then I leave it.')]] }, async ({ panel, shot, model, ws }) => {
  const before = readFileSync(join(ws, 'basket.py'), 'utf8');
  await panel.send('Rename it');
  await panel.at('approve-decline').first().click();
  await panel.at('message-agent').getByText('Then I leave it.').waitFor();
  assert.equal(readFileSync(join(ws, 'basket.py'), 'utf8'), before);
  assert.match(JSON.stringify(model.requests[1].input.at(-1)), /custom_tool_call_output.*(declin|reject)/i);
  await shot('left');
}));

test('a person who is typing in an editor keeps the keyboard when an edit is proposed', scene('typing', { script: [[patch(WISH)], [say('Done.')]] }, async ({ panel, page, shot, ws }) => {
  await workbench.openFile(page, 'README.md');
  await panel.send('Rename it');
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('Hello ');
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
  await panel.at('message-agent').getByText('That was the command.').waitFor();
  await idle(panel);
  await page.reload();
  await workbench.ready(page);
  const again = await Panel.open(page);
  await again.at('message-agent').getByText('The answer is forty-two.').waitFor();
  await again.at('message-user').getByText('What is the answer?').waitFor();
  assert.equal(await again.at('card-command').count(), 1);
  await shot('restored');
  await again.send('Do you remember?');
  await again.at('message-agent').getByText('Yes, I remember.').waitFor();
  await shot('goes-on');
}));
