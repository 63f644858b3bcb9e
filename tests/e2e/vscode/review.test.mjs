// Review of what the agent changed: marked in the real files, with what was there before on hover and in a peek; gone through, kept and
// undone by keys while the user types, from the panel while no file is open, and from the title of a diff before it is written.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const EDIT = `*** Begin Patch
*** Update File: basket.py
@@
 class Product:
     name: str
-    cents: int
+    cents: int  # never negative
@@
-    def remove(self, product: Product) -> None:
-        del self.lines[product]
-
     def total(self) -> int:
@@
 def euros(cents: int) -> str:
+    assert cents >= 0
     return f"{cents // 100}.{cents % 100:02d} EUR"
*** Update File: check_basket.py
@@
     def test_print_prices_with_two_digits(self):
         self.assertEqual(euros(305), "3.05 EUR")
+        self.assertEqual(euros(5), "0.05 EUR")
*** Add File: NOTES.md
+# Notes
+
+Prices are never negative.
*** Delete File: README.md
*** End Patch`;
const DONE = 'Prices are never negative now.';
const COMMENT = '    cents: int  # never negative';
const ASSERT = '    assert cents >= 0';
const atOnce = { 'treadle.askBeforeEdits': false, 'files.autoSave': 'off' };

const marks = (page, expected, what) => eventually(() => workbench.marked(page), (found) => JSON.stringify(found) === JSON.stringify(expected), what);
const chord = async (page, key) => {
  await page.keyboard.press('Alt+k');
  await page.keyboard.press(key);
};
/** The cursor is in the line that begins with these words. */
const cursorAt = (page, words, what) => eventually(() => page.evaluate(() => {
  const editor = document.querySelector('.editor-group-container.active .monaco-editor');
  const cursor = editor.querySelector('.cursors-layer .cursor')?.getBoundingClientRect();
  const lines = [...editor.querySelectorAll('.view-line')];
  return cursor && lines.find((line) => Math.abs(line.getBoundingClientRect().top - cursor.top) < 6)?.textContent.replaceAll('\u00a0', ' ');
}), (line) => line?.trim().startsWith(words), what);

const marked = async ({ panel, page, shot, ws }) => {
  const disk = (name) => readFileSync(join(ws, name), 'utf8');
  const before = disk('basket.py');
  await workbench.openFile(page, 'basket.py');
  await panel.send('No negative prices');
  const focused = await workbench.focused(page);
  await panel.answered(DONE);
  assert.equal(await workbench.focused(page), focused, 'the user still writes in the panel');
  assert.equal(await workbench.activeTab(page), 'basket.py', 'no tab came or went');
  const all = [COMMENT, '    def total(self) -> int:', ASSERT];
  await marks(page, all, 'marked lines of the open file');
  await panel.at('review').getByText('4 files, 6 changes').waitFor();
  await shot.themes('marked');

  await workbench.onHover(page, 'never negative', (found, timeout) => found.getByText('cents: int', { exact: true }).waitFor({ timeout }));
  const hover = workbench.hover(page);
  await eventually(() => hover.locator('a').allInnerTexts(), (links) => links.join() === 'Keep,Undo,Ask,Peek', 'what can be done from the hover');
  await shot.themes('hover');
  await workbench.onHover(page, 'never negative', (found, timeout) => found.getByText('Peek').click({ timeout }));
  await workbench.peek(page).locator('.view-line', { hasText: 'cents: int' }).first().waitFor();
  await shot.themes('peek');
  await page.keyboard.press('Escape');
  await workbench.peek(page).waitFor({ state: 'detached' });
  await page.locator('.editor-group-container.active .monaco-editor.focused').waitFor();

  // typed above, and at once a key: it is the change that is meant, not the line
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('# mine\n# too\n');
  await chord(page, 'n');
  await cursorAt(page, COMMENT.trim(), 'the first change');
  await chord(page, 'k');
  await marks(page, all.slice(1), 'marks after the first is kept');
  await chord(page, 'n');
  await chord(page, 'n');
  await cursorAt(page, ASSERT.trim(), 'the third change');
  await chord(page, 'u');
  await marks(page, all.slice(1, 2), 'marks after the third is undone');
  await eventually(() => workbench.editorText(page).innerText(), (text) => !/assert\scents/.test(text), 'the text without what is undone');
  await workbench.dirty(page, 'basket.py').waitFor();
  await chord(page, 'n');
  await workbench.tab(page, 'check_basket.py').waitFor();
  await cursorAt(page, 'self.assertEqual(euros(5)', 'the change in the next file');
  await workbench.inEditor(page, 'check_basket.py');
  await shot('next-file');
  await chord(page, 'p');
  await workbench.tab(page, 'basket.py').waitFor();
  await cursorAt(page, 'def total', 'back in the first file');

  await eventually(() => workbench.lenses(page), (found) => found.some(([title, line]) => title === 'Ask' && line.startsWith('def total')), 'the lens to ask');
  await workbench.clickLens(page, 'Ask', 'def total');
  await eventually(() => panel.input.inputValue(), (text) => /^@basket\.py:\d+ $/.test(text), 'the place of the change in the composer');
  await panel.keyboardIn('chat-input');
  await shot('ask');
  await panel.input.fill('');
  await workbench.titleButton(page, /Undo Changes of File/).click();
  await marks(page, [], 'marks after the file is undone');
  await eventually(() => workbench.editorText(page).innerText(), (text) => /def\sremove/.test(text) && /never\snegative/.test(text), 'the text, in which what was kept stays');
  await page.keyboard.press('Control+s');
  await eventually(() => disk('basket.py'), (text) => text === `# mine\n# too\n${before.replace('cents: int\n', 'cents: int  # never negative\n')}`, 'the saved file');
  await panel.at('review').getByText('3 files, 3 changes').waitFor();
};
test('changes are marked in the real file, follow what is typed, and are kept and undone by keys in two files', scene('review', { script: [[patch(EDIT)], [say(DONE)]], settings: atOnce }, marked));

const closed = async ({ panel, page, shot, ws }) => {
  const disk = (name) => readFileSync(join(ws, name), 'utf8');
  const before = ['basket.py', 'check_basket.py', 'README.md'].map(disk);
  await panel.send('No negative prices');
  await panel.answered(DONE);
  assert.equal(await workbench.tabs(page).count(), 0, 'no file was opened for it');
  const bar = panel.at('review');
  await bar.getByRole('button', { name: /4 files/ }).click();
  await eventually(() => bar.locator('li .base').allInnerTexts(), (names) => names.join() === 'NOTES.md,README.md,basket.py,check_basket.py', 'the files of the bar');
  await shot.themes('bar');
  await workbench.widen(page, 280);
  await shot('bar-narrow');
  await workbench.widen(page, 430);
  await bar.getByRole('button', { name: 'Review all changes in one view' }).click();
  const view = workbench.multiDiff(page);
  await view.locator('.line-insert').first().waitFor();
  await view.locator('.view-line', { hasText: 'never negative' }).first().waitFor();
  await shot.themes('all-files');

  await bar.getByRole('button', { name: 'Keep the changes of NOTES.md' }).click();
  await bar.getByText('3 files, 5 changes').waitFor();
  await workbench.command(page, 'View: Close All Editors');
  await panel.at('card-file').getByRole('button', { name: 'Undo the changes of check_basket.py' }).click();
  await bar.getByText('2 files, 4 changes').waitFor();
  assert.equal(disk('check_basket.py'), before[1]);
  await panel.at('card-file').getByRole('button', { name: 'Undo the changes of this turn' }).click();
  await workbench.dialogButton(page, 'Undo').waitFor();
  await shot('sure');
  await workbench.dialogButton(page, 'Undo').click();
  await bar.waitFor({ state: 'detached' });
  assert.deepEqual(['basket.py', 'check_basket.py', 'README.md'].map(disk), before);
  assert.ok(existsSync(join(ws, 'NOTES.md')), 'what was kept stays');
  assert.equal(await workbench.tabs(page).count(), 0, 'no file was opened for it');
  assert.deepEqual(await workbench.notifications(page).allInnerTexts(), []);
  await shot('undone');
};
test('a turn is seen in one view, and undone from its card while its files are closed', scene('review-closed', { script: [[patch(EDIT)], [say(DONE)]], settings: atOnce }, closed));

const proposed = async ({ panel, page, shot, ws, model }) => {
  const disk = (name) => readFileSync(join(ws, name), 'utf8');
  await panel.send('No negative prices');
  await panel.at('approval').first().waitFor();
  const focused = await workbench.focused(page);
  await workbench.tab(page, 'basket.py: proposed by Treadle (1 of 4)').waitFor();
  assert.equal(await workbench.focused(page), focused, 'the diff took no keyboard');
  await shot.themes('proposed');
  await workbench.titleButton(page, /Next File/).click();
  await workbench.tab(page, 'check_basket.py: proposed by Treadle (2 of 4)').waitFor();
  await workbench.inDiff(page);
  await chord(page, 'p');
  await workbench.tab(page, 'basket.py: proposed by Treadle (1 of 4)').waitFor();
  await workbench.command(page, 'View: Close All Editors');
  await eventually(() => workbench.tabs(page).count(), (count) => count === 0, 'tabs after all were closed');
  assert.equal(await panel.at('approval').count(), 1, 'a diff that is closed decides nothing');
  assert.equal(model.requests.length, 1);
  await panel.at('card-file').getByRole('button', { name: 'Open diff of' }).first().click();
  await workbench.titleButton(page, /Accept Proposed Edit/).click();
  await eventually(() => disk('basket.py'), (text) => text.includes('never negative'), 'the accepted edit');
  await panel.at('message-agent').getByText('Once more.').waitFor();

  await panel.at('approval').first().waitFor();
  await eventually(() => workbench.tabs(page).allInnerTexts(), (tabs) => !tabs.some((tab) => tab.includes('of 4')), 'the diff after it was answered');
  await panel.at('card-file').last().getByRole('button', { name: 'Open diff of' }).first().click();
  await workbench.diffEditor(page).locator('.view-line', { hasText: '# rejected' }).waitFor();
  await workbench.inDiff(page);
  await chord(page, 'u');
  await panel.answered(DONE);
  assert.doesNotMatch(disk('check_basket.py'), /rejected/);
  await shot('rejected');
};
const AGAIN = `*** Begin Patch
*** Update File: check_basket.py
@@
+# rejected
 import unittest
*** End Patch`;
test('a proposed edit of several files is stepped through, accepted and rejected where its diff is', scene('review-proposed', { script: [[patch(EDIT)], [say('Once more.'), patch(AGAIN)], [say(DONE)]] }, proposed));
