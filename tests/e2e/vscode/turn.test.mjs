// The main way through the house: a request typed into the panel, streamed words, an approved command, an accepted edit, the file changed.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, run, say, think } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const PLAN = 'I will run the checks first, then fix `total()`: it forgets **how many** of a product are in the basket.';
const DONE = 'Fixed. `total()` now multiplies by the count:\n\n```python\nreturn sum(product.cents * count for product, count in self.lines.items())\n```\n\nAll four checks pass.';
const FIX = `*** Begin Patch
*** Update File: basket.py
@@
     def total(self) -> int:
-        return sum(product.cents for product in self.lines)
+        return sum(product.cents * count for product, count in self.lines.items())
*** End Patch`;
const MARK = 'outside-mark.txt';
const CHECK = `touch ../${MARK} && python3 check_basket.py`;

const shown = { more: async () => {} };
const script = [
  [think('**Looking for the failing check**\n\nThe checks are in check_basket.py.'), say(PLAN, { size: 18, pace: () => shown.more() }),
    run(CHECK, { sandbox_permissions: 'require_escalated', justification: 'Leave a mark beside the workspace and run the checks?' })],
  [say('One check fails, as expected. Here is the fix.'), patch(FIX)],
  [say(DONE)],
];

const turn = async ({ panel, page, shot, model, ws, dir }) => {
  await workbench.openFile(page, 'basket.py');
  await shot('ready');

  await panel.type('Fix the failing check');
  await panel.watch('message-agent');
  let seen = 1;
  shown.more = async () => { // each piece is said when the one before can be read
    const lengths = await eventually(() => panel.watched('message-agent'), (found) => found.length > seen, 'lengths of the answer');
    seen = lengths.length;
  };
  await page.keyboard.press('Enter');
  await panel.at('message-user').getByText('Fix the failing check').waitFor();
  await panel.at('stop').waitFor();
  await panel.at('message-agent').first().waitFor();
  await shot('streaming');

  const command = panel.at('approval').first();
  await command.waitFor();
  const lengths = await panel.watched('message-agent');
  assert.ok(lengths.length >= 5, `the text grew in ${lengths.length} steps: ${lengths}`);
  assert.deepEqual(lengths, lengths.toSorted((a, b) => a - b), 'streamed text only grows');
  assert.match(await panel.at('message-agent').first().innerText(), /I will run the checks first/);
  assert.match(await command.innerText(), /check_basket\.py/);
  assert.match(await command.innerText(), /Leave a mark beside the workspace/);
  assert.equal(existsSync(join(dir, MARK)), false, 'nothing ran before the answer');
  assert.equal(model.requests.length, 1);
  await shot.themes('command-asks');

  await panel.at('approve-accept').first().click();
  const ran = panel.at('card-command').first();
  await ran.getByText('AssertionError: 40 != 120').waitFor();
  await ran.getByText('exit 1').waitFor();
  assert.equal(existsSync(join(dir, MARK)), true, 'the approved command ran outside the sandbox');
  await shot('command-ran');

  await panel.input.click();
  await panel.at('card-file').first().waitFor();
  await panel.at('approval').first().waitFor();
  await workbench.diffEditor(page).locator('.line-insert').first().waitFor();
  await eventually(() => panel.inView('approve-accept'), Boolean, 'the answer buttons are in view, nobody having scrolled');
  await shot.themes('edit-asks');
  await page.keyboard.type('still typing');
  assert.equal(await panel.input.evaluate((element) => element.value ?? element.innerText), 'still typing', 'the diff did not take the keyboard');
  assert.equal(await workbench.focused(page), 'frame');
  assert.match(readFileSync(join(ws, 'basket.py'), 'utf8'), /sum\(product\.cents for product/, 'nothing is written before the answer');

  await panel.at('approve-accept').first().click();
  await eventually(() => readFileSync(join(ws, 'basket.py'), 'utf8'), (text) => text.includes('product.cents * count'), 'the file on disk');
  await panel.answered('All four checks pass');
  assert.equal(await panel.at('approval').count(), 0);
  assert.equal(await panel.at('error-card').count(), 0);
  await eventually(() => workbench.diffEditor(page).count(), (count) => count === 0, 'the settled diff is closed');
  assert.match(await panel.at('instructions').innerText(), /AGENTS\.md/);
  assert.equal(model.requests.length, 3);
  const outputs = model.requests[2].input.filter((item) => item.type.endsWith('_output')).map((item) => JSON.stringify(item.output));
  assert.match(outputs[0], /AssertionError/);
  assert.match(outputs[1], /basket\.py/);
  await shot.themes('done');
};

test('a turn streams, asks before a command and an edit, and changes the file on disk', scene('turn', { script }, turn));
