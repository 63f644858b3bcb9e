// Keep and Undo above what the agent changed: they stand at its lines, do what they say, in the editor and on disk, and go when there is
// nothing left to decide: after keep, undo, the user's own undo. They are there again after a reload, and never in a diff.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, say } from './fake-model.mjs';
import { eventually, Panel } from './panel.mjs';
import { CONTRAST, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const EDIT = `*** Begin Patch
*** Update File: basket.py
@@
 class Product:
     name: str
-    cents: int
+    cents: int  # never negative
@@
     def total(self) -> int:
-        return sum(product.cents for product in self.lines)
+        return sum(product.cents * count for product, count in self.lines.items())
*** Add File: NOTES.md
+# Notes
+
+Totals count every piece.
*** End Patch`;
const script = [[patch(EDIT)], [say('Two changes and a file.')]];
const KEEP = 'Keep change (+1 \u22121)';
const COMMENT = 'cents: int # never negative';
const TOTAL = 'return sum(product.cents * count for product, count in self.lines.items())';
const each = (line) => [[KEEP, line], ['Undo', line], ['Ask', line]];
const all = [['Keep all 2 changes', '"""A shopping'], ['Undo all 2 changes', '"""A shopping'], ...each(COMMENT), ...each(TOTAL)];

/** Waits until the editor shows exactly these lenses, each above a line that begins with these words. */
const shows = (page, expected, what) => eventually(() => workbench.lenses(page),
  (found) => found.length === expected.length && found.every(([title, line], at) => title === expected[at][0] && line.startsWith(expected[at][1])), what);

const worked = async ({ panel, page, ws }) => {
  await workbench.openFile(page, 'basket.py');
  await panel.send('Fix the total and take notes');
  await panel.at('approve-accept').first().click();
  await panel.answered('Two changes and a file.');
  await workbench.tab(page, 'basket.py').waitFor();
  await shows(page, all, 'lenses of both changes');
  const onDisk = () => readFileSync(join(ws, 'basket.py'), 'utf8');
  const shown = async () => (await workbench.editorText(page).innerText()).replaceAll('\u00a0', ' ');
  return { onDisk, shown };
};

const decide = async (given) => {
  const { panel, page, shot, ws } = given;
  const { onDisk, shown } = await worked(given);
  await shot.themes('both');
  await shows(page, all, 'lenses after the themes');
  await workbench.clickLens(page, KEEP, COMMENT);
  await shows(page, each(TOTAL), 'lenses after the first change is kept');
  assert.match(onDisk(), /never negative/);
  assert.match(onDisk(), /product\.cents \* count/);
  await shot('one-kept');
  await workbench.clickLens(page, 'Undo', TOTAL);
  await shows(page, [], 'lenses after the second change is undone');
  await eventually(onDisk, (text) => text.includes('never negative') && text.includes('sum(product.cents for product in self.lines)'), 'the file on disk');
  await eventually(shown, (text) => text.includes('never negative') && text.includes('sum(product.cents for product in self.lines)'), 'the editor');
  await eventually(() => workbench.dirty(page, 'basket.py').count(), (count) => count === 0, 'what is undone is saved where the file was');
  await shot('other-undone');

  const notes = join(ws, 'NOTES.md');
  await panel.at('card-file').getByText('NOTES.md').click();
  await workbench.tab(page, 'NOTES.md').waitFor();
  await shows(page, [['Keep this new file', '# Notes'], ['Undo this new file', '# Notes'], ['Ask', '# Notes']], 'lenses of the new file');
  await shot('new-file');
  await workbench.clickLens(page, 'Undo this new file', '# Notes');
  await eventually(() => existsSync(notes), (there) => !there, 'the new file on disk');
  await eventually(() => workbench.lenses(page), (found) => !found.length, 'lenses of a file that is gone');
  await shot('file-gone');
  assert.deepEqual(await workbench.notifications(page).allInnerTexts(), []);
};

test('one change is kept, another undone, and a new file taken back, above their lines', scene('lenses', { script }, decide));

const lasting = async (given) => {
  const { page, shot } = given;
  const { onDisk, shown } = await worked(given);
  await shot('before-reload');
  await page.reload();
  await workbench.ready(page);
  const panel = await Panel.open(page);
  await panel.at('message-agent').getByText('Two changes and a file.').waitFor();
  await workbench.openFile(page, 'basket.py');
  await shows(page, all, 'lenses after the window was reloaded');
  await shot('reloaded');
  for (let times = 0; times < 3; times++) await workbench.command(page, 'Treadle: Restart Sidecar');
  await shows(page, all, 'lenses after restarts that follow each other');

  await workbench.editorText(page).click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('# mine');
  await page.keyboard.press('Enter');
  const below = [['Keep all 2 changes', '# mine'], ['Undo all 2 changes', '# mine'], ...all.slice(2)];
  await shows(page, below, 'lenses below what was typed');
  await workbench.command(page, 'File: Compare Active File with Saved');
  await workbench.diffEditor(page).locator('.line-insert').first().waitFor();
  assert.equal((await workbench.lenses(page)).length, 0, 'a diff shows changes by itself');
  await shot('diff');
  await workbench.tabs(page).first().click();
  await shows(page, below, 'lenses beside a diff');
  await workbench.clickLens(page, 'Undo all 2 changes', '# mine');
  await shows(page, [], 'lenses after all is undone');
  await eventually(shown, (text) => text.startsWith('# mine') && !text.includes('never negative') && !text.includes('count for product'), 'the editor');
  await workbench.dirty(page, 'basket.py').waitFor();
  assert.match(onDisk(), /never negative/, 'nothing is saved for the user');
  await workbench.editorText(page).click();
  await page.keyboard.press('Control+z');
  await eventually(shown, (text) => text.startsWith('# mine') && text.includes('never negative'), 'the undo is undone by a key');
  await shot('undone-by-key');
};
test('they outlive a reload, stay with their lines while the user types, and stay out of diffs', scene('lenses-contrast', { script, theme: CONTRAST, settings: { 'files.autoSave': 'off' } }, lasting));
