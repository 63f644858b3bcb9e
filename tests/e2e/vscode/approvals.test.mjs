// Approvals in a real VS Code: once, for a workspace with an edited rule, denied with words, out of the sandbox, and the list of grants.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { after, run, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { LIGHT, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const beyond = (cmd, why) => run(cmd, { sandbox_permissions: 'require_escalated', justification: why });
const outputs = (request) => request.input.filter((item) => item.type.endsWith('_output')).map((item) => JSON.stringify(item.output));
const mark = (dir, name) => existsSync(join(dir, name));

const once = [[beyond('touch ../once.txt', 'May I leave a mark beside the workspace?')], [beyond('touch ../once.txt', 'And again?')], [say('Twice it is.')]];

const allowedOnce = async ({ panel, shot, model, dir }) => {
  await panel.send('Leave a mark');
  const card = panel.at('approval').first();
  await card.getByText('Run this command outside the sandbox?').waitFor();
  const shown = await card.innerText();
  assert.match(shown, /touch \.\.\/once\.txt/);
  assert.match(shown, /May I leave a mark beside the workspace\?/);
  assert.match(shown, /Runs outside the sandbox: it can change any file/);
  assert.equal(mark(dir, 'once.txt'), false, 'nothing ran before the answer');
  await shot.themes('asks');
  await panel.at('approve-accept').first().click();
  await panel.at('outcome').getByText('Allowed once').waitFor();
  await panel.at('approval').getByText('And again?').waitFor();
  assert.equal(mark(dir, 'once.txt'), true);
  assert.equal(model.requests.length, 2);
  await shot('asks-again');
  await panel.input.click();
  await panel.page.keyboard.press('Control+Enter');
  await panel.answered('Twice it is.');
  assert.equal(await panel.at('outcome').getByText('Allowed once').count(), 2);
  await shot('done');
};

test('a command is allowed once, and asked for again the next time', scene('allow-once', { script: once, width: 300 }, allowedOnce));

const lasting = [
  [beyond('git tag -f first', 'May I set a tag?')],
  [beyond('git tag -f second', 'And another?')],
  [beyond('touch ../other.txt', 'And something else?')],
  [say('All said.')],
];

test('an edited rule for the workspace answers for the like, and for nothing else', scene('allow-workspace', { script: lasting, repository: true }, async ({ panel, shot, model, dir, page }) => {
  await panel.send('Tag it');
  await panel.at('approval').first().waitFor();
  await panel.lasting('workspace');
  await shot('offers');
  const field = panel.at('rule-field');
  const offered = await field.inputValue();
  assert.match(offered, /^git tag/);
  await field.fill('bash');
  await panel.at('rule-problem').filter({ hasText: /\S/ }).waitFor();
  await eventually(() => panel.at('approve-save').getAttribute('disabled'), (disabled) => disabled === '', 'a rule that cannot be stored cannot be saved');
  await shot('refused');
  await field.fill('git tag -f');
  await eventually(() => panel.at('approve-save').getAttribute('disabled'), (disabled) => disabled === null, 'the button that saves');
  await shot('edited');
  await page.keyboard.press('Enter');
  await panel.at('outcome').getByText('Allowed in this workspace: git tag -f').waitFor();
  await panel.at('approval').getByText('And something else?').waitFor();
  assert.equal(model.requests.length, 3, 'the second tag was not asked for');
  assert.doesNotMatch(outputs(model.requests[2])[1], /declined|denied/i);
  await shot('other-asks');
  await panel.at('approve-decline').first().click();
  await panel.answered('All said.');
  assert.equal(mark(dir, 'other.txt'), false);
}));

test('words that deny reach the model, and Escape leaves them', scene('deny-words', { script: [[beyond('touch ../npm.txt', 'May I?')], [say('Then by pnpm.')]] }, async ({ panel, page, shot, model, dir }) => {
  await panel.send('Install it');
  await panel.at('approve-words').first().click();
  await panel.keyboardIn('instead');
  await page.keyboard.type('use pn');
  await page.keyboard.press('Escape');
  await eventually(() => panel.at('instead').count(), (count) => count === 0, 'fields for words');
  assert.equal(await panel.at('stop').count(), 1, 'Escape left the field and did not stop the turn');
  await panel.keyboardIn('approve-words');
  await page.keyboard.press('Enter');
  await panel.keyboardIn('instead');
  await page.keyboard.type('pm, not npm');
  await shot('words');
  await page.keyboard.press('Enter');
  await panel.answered('Then by pnpm.');
  await panel.at('outcome').getByText('Denied: use pnpm, not npm').waitFor();
  assert.match(outputs(model.requests[1])[0], /use pnpm, not npm/);
  assert.equal(mark(dir, 'npm.txt'), false);
  await shot('told');
}));

test('an approval survives a hidden panel, waits in the status bar, and is found by a command', scene('hidden', { script: [[beyond('touch ../late.txt', 'May I?')], [say('Done late.')]] }, async ({ panel, page, shot, dir }) => {
  await panel.send('Leave a mark');
  await panel.at('approve-words').first().click();
  await panel.keyboardIn('instead');
  await page.keyboard.type('half a sentence');
  await workbench.hidePanel(page);
  await workbench.statusItem(page, 'Treadle: asks you').waitFor();
  await shot('away');
  await workbench.command(page, 'Treadle: Go to the Question That Waits');
  const again = await panel.again();
  await again.at('instead').waitFor();
  await again.keyboardIn('approval');
  assert.equal(await again.at('instead').inputValue(), 'half a sentence', 'what was typed is kept');
  await shot('back');
  await again.at('approve-accept').first().click();
  await again.answered('Done late.');
  assert.equal(mark(dir, 'late.txt'), true);
}));

const hidden = Promise.withResolvers(); // else it may be asked before the panel is hidden
const told = { script: [[say('Let me leave a mark beside it.'), after(hidden.promise, beyond('touch ../told.txt', 'May I?'))], [say('Done.')]] };

test('a user whose panel is hidden is told once, and may allow it from there', scene('notified', told, async ({ panel, page, shot, dir }) => {
  await panel.send('Leave a mark');
  await panel.at('stop').waitFor();
  await workbench.hidePanel(page);
  hidden.resolve();
  const toast = workbench.notifications(page).filter({ hasText: 'Treadle asks to run: touch ../told.txt' });
  await toast.waitFor();
  assert.equal(mark(dir, 'told.txt'), false);
  await shot('told');
  await toast.getByText('Allow Once').click();
  await eventually(() => mark(dir, 'told.txt'), Boolean, 'what the command made');
}));

const both = [[beyond('touch ../one.txt', 'The first?'), beyond('touch ../two.txt', 'The second?')], [say('One of two.')]];

test('two questions at once are counted, and Alt with an arrow goes from one to the other', scene('several', { script: both, theme: LIGHT, width: 300 }, async ({ panel, page, shot, dir }) => {
  await panel.send('Leave two marks');
  await panel.frame.getByText('2 questions wait for you').waitFor();
  await eventually(() => panel.at('approval').count(), (count) => count === 2, 'cards that ask');
  await panel.input.click();
  await page.keyboard.press('Alt+ArrowDown');
  await eventually(() => panel.focusedText(), (text) => text.includes('The first?'), 'where the keyboard is');
  await page.keyboard.press('Alt+ArrowDown');
  await eventually(() => panel.focusedText(), (text) => text.includes('The second?'), 'where the keyboard is');
  await shot('two');
  await page.keyboard.press('Control+Enter');
  await panel.at('outcome').getByText('Allowed once').waitFor();
  await eventually(() => mark(dir, 'two.txt'), Boolean, 'what the second command made');
  assert.equal(mark(dir, 'one.txt'), false);
  await panel.at('approve-decline').first().click();
  await panel.answered('One of two.');
  assert.equal(mark(dir, 'one.txt'), false);
}));
