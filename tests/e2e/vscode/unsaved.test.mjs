// A file that the user is typing in: the agent's edit goes into the editor, on top of what is not saved, and can be undone there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const FIX = `*** Begin Patch
*** Update File: basket.py
@@
     def total(self) -> int:
-        return sum(product.cents for product in self.lines)
+        return sum(product.cents * count for product, count in self.lines.items())
*** End Patch`;

const typing = async ({ panel, page, shot, model, ws }) => {
  const onDisk = () => readFileSync(join(ws, 'basket.py'), 'utf8');
  const before = onDisk();
  const editor = workbench.editorText(page);
  const shown = async () => (await editor.innerText()).replaceAll('\u00a0', ' ');
  await workbench.openFile(page, 'basket.py');
  await editor.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('# mine, not saved');
  await page.keyboard.press('Enter');
  await workbench.dirty(page, 'basket.py').waitFor();

  await panel.send('Fix the total');
  await panel.at('card-file').first().waitFor();
  await panel.at('approve-accept').first().click();
  await panel.answered('It is in your editor.');
  await eventually(() => workbench.diffEditor(page).count(), (count) => count === 0, 'the diff after it was answered');
  await eventually(shown, (text) => text.includes('product.cents * count'), 'the edit in the editor');
  assert.match(await shown(), /# mine, not saved/);
  assert.equal(onDisk(), before, 'nothing is saved for the user');
  await workbench.dirty(page, 'basket.py').waitFor();
  const answer = model.requests[1].input.filter((item) => item.type.endsWith('_output')).map((item) => JSON.stringify(item.output))[0];
  assert.match(answer, /has unsaved changes in the user's editor/);
  await shot('edited');

  await editor.click();
  await page.keyboard.press('Control+z');
  await eventually(shown, (text) => !text.includes('product.cents * count'), 'undo takes the edit back');
  assert.match(await shown(), /# mine, not saved/);
  await page.keyboard.press('Control+Shift+z');
  await eventually(shown, (text) => text.includes('product.cents * count'), 'redo brings it again');
  await page.keyboard.press('Control+s');
  await eventually(onDisk, (text) => text.includes('# mine, not saved') && text.includes('product.cents * count'), 'saved without a conflict');
  assert.equal(await workbench.notifications(page).count(), 0);
};

const script = [[patch(FIX)], [say('It is in your editor.')]];
test('an edit of a file with unsaved changes goes into the editor', scene('unsaved', { script, settings: { 'files.autoSave': 'off' } }, typing));
