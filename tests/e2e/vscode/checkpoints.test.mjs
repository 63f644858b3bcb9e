// Going back: what would change is seen before it is done, the user's own edits are kept, what was restored is taken back after a reload,
// the conversation goes back with its words given back, and an earlier message goes on in a copy of the thread.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, say } from './fake-model.mjs';
import { eventually, Panel } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const FIRST = `*** Begin Patch
*** Update File: basket.py
@@
     def total(self) -> int:
-        return sum(product.cents for product in self.lines)
+        return sum(product.cents * count for product, count in self.lines.items())
*** Update File: check_basket.py
@@
     def test_print_prices_with_two_digits(self):
-        self.assertEqual(euros(305), "3.05 EUR")
+        self.assertEqual(euros(5), "0.05 EUR")
*** Add File: NOTES.md
+# Notes
*** End Patch`;
const SECOND = `*** Begin Patch
*** Update File: basket.py
@@
 class Product:
     name: str
-    cents: int
+    cents: int  # never negative
*** End Patch`;
const FIX = 'Fix the total and take notes';
const MORE = 'Say that prices are never negative';
const settings = { 'treadle.askBeforeEdits': false, 'files.autoSave': 'off' };

const turn = async (panel, words, answer) => {
  await panel.send(words);
  await panel.answered(answer);
};
const message = (panel, words) => panel.at('message').filter({ hasText: words });
const act = async (panel, words, name) => {
  await message(panel, words).hover();
  await message(panel, words).getByRole('button', { name }).click();
};
const twoTurns = async ({ panel, ws }) => {
  await turn(panel, FIX, 'The total is right.');
  await turn(panel, MORE, 'It says so now.');
  return (name) => readFileSync(join(ws, name), 'utf8');
};
const script = [[patch(FIRST)], [say('The total is right.')], [patch(SECOND)], [say('It says so now.')]];

const files = async (given) => {
  const { page, shot, ws } = given;
  let { panel } = given;
  const disk = await twoTurns(given);
  const mine = disk('check_basket.py').replace('euros(5), "0.05 EUR"', 'euros(7), "0.07 EUR"');
  writeFileSync(join(ws, 'check_basket.py'), mine);
  await workbench.openFile(page, 'basket.py');
  await workbench.editorText(page).click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('# mine');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+s');
  await eventually(() => disk('basket.py'), (text) => text.startsWith('# mine\n'), 'the saved file');
  const after = disk('basket.py');

  await act(panel, FIX, 'Restore…');
  const card = panel.at('restore-card');
  await card.getByText('2 files change, 2 turns go.').waitFor();
  await card.getByLabel('Files only').check();
  await card.getByText('2 files change.').waitFor();
  assert.deepEqual(await card.locator('.restore-file .name').allInnerTexts().then((names) => names.toSorted()), ['NOTES.md', 'basket.py', 'check_basket.py']);
  await card.getByText('1 file holds changes of yours').waitFor();
  await shot.themes('plan');
  await card.getByRole('button', { name: 'Show all changes' }).click();
  const view = workbench.multiDiff(page);
  await view.locator('.view-line', { hasText: 'product.cents for product' }).first().waitFor();
  await shot('all-changes');
  assert.equal(disk('basket.py'), after, 'nothing is done by looking');
  await workbench.command(page, 'View: Close Editor');
  await card.getByText('Restore the Others').click();
  await panel.at('restored').getByText('Files are restored to before').waitFor();
  assert.match(disk('basket.py'), /^# mine\n/);
  assert.doesNotMatch(disk('basket.py'), /never negative|product\.cents \* count/);
  assert.equal(existsSync(join(ws, 'NOTES.md')), false);
  assert.equal(disk('check_basket.py'), mine, 'what the user wrote in the same place stays');
  await panel.at('message-user').getByText(MORE).waitFor();
  await shot.themes('restored');

  await page.reload();
  await workbench.ready(page);
  panel = await Panel.open(page);
  await panel.at('restored').getByRole('button', { name: 'Redo' }).click();
  await panel.at('restore-card').getByText('2 files change.').waitFor();
  await shot('redo');
  await panel.at('restore-card').locator('.do').click();
  await eventually(() => panel.at('restored').locator('.line').count(), (count) => count === 0, 'the word of a restore that was taken back');
  assert.equal(disk('basket.py'), after);
  assert.equal(existsSync(join(ws, 'NOTES.md')), true);
};
test('files go back with the user\'s own edits kept, and forth again after a reload', scene('restore', { script, settings }, files));

const again = [...script, [say('Another way.')]];
const conversation = async (given) => {
  const { panel, page, shot, model } = given;
  const disk = await twoTurns(given);
  const after = disk('basket.py');
  await act(panel, MORE, 'Restore…');
  const card = panel.at('restore-card');
  await card.getByText('1 file changes, 1 turn goes.').waitFor();
  await card.getByLabel('Conversation only').check();
  await card.getByText('1 turn goes.', { exact: true }).waitFor();
  await card.locator('.do').click();
  await eventually(() => panel.at('message-user').count(), (count) => count === 1, 'the messages that are left');
  await eventually(() => panel.words(), (words) => words === MORE, 'the words in the composer');
  assert.equal(disk('basket.py'), after, 'files stay as they are');
  await shot('conversation');
  await panel.at('restored').getByRole('button', { name: 'Redo' }).click();
  await panel.at('restore-card').getByText('1 turn comes back.').waitFor();
  await panel.at('restore-card').locator('.do').click();
  await message(panel, MORE).waitFor();

  await act(panel, MORE, 'Edit');
  const editing = panel.at('editing');
  await editing.getByText('Editing an earlier message.').waitFor();
  await eventually(() => panel.words(), (words) => words === MORE, 'the words of the message');
  await editing.getByRole('button', { name: 'Cancel' }).click();
  await eventually(() => editing.count(), (count) => count === 0, 'the word that a message is edited');
  await act(panel, MORE, 'Edit');
  await eventually(() => panel.words(), (words) => words === MORE, 'the words of the message, once more');
  await editing.getByLabel('Also restore the files').check();
  await shot.themes('editing');
  await panel.input.click();
  await panel.input.fill('Do it another way'); // VS Code selects all of a webview a moment after Control+A, in the middle of what is typed
  await page.keyboard.press('Enter');
  await panel.answered('Another way.'); // a thread whose turn runs is not left without a question
  assert.doesNotMatch(disk('basket.py'), /never negative/, 'the files went back, too');
  assert.match(disk('basket.py'), /product\.cents \* count/, 'but not what the first turn did');
  assert.deepEqual(await panel.at('message-user').allInnerTexts(), [FIX, 'Do it another way']);
  assert.doesNotMatch(JSON.stringify(model.requests.at(-1).input), /never negative/);
  model.faults.splice(0); // a copy goes on from an earlier request, under the name of the same cache
  await shot('forked');

  await act(panel, FIX, 'More actions');
  await shot('menu');
  await workbench.menuEntry(page, 'Fork from Here');
  await panel.at('banner').getByText('This is a copy that goes on after').waitFor();
  await eventually(() => panel.at('message-user').allInnerTexts(), (texts) => texts.length === 1 && texts[0] === FIX, 'the messages of the copy');
  await shot('fork-from-here');
};
test('the conversation goes back with its words given back, and an earlier message goes on in a copy', scene('conversation', { script: again, settings }, conversation));
