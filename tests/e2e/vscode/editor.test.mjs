// Treadle in the editor: findings of a review at their lines, problems that go back to the agent, commands on what is under the cursor,
// the light bulb, TODO comments, and the message of a commit.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { patch, ramble, run, say, until } from './fake-model.mjs';
import { setMachine } from './harness.mjs';
import { eventually, Panel } from './panel.mjs';
import { python, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const atOnce = { 'treadle.askBeforeEdits': false, 'typescript.disableAutomaticTypeAcquisition': true };
const texts = (request) => request.input.filter(({ role }) => role === 'user' || role === 'developer').flatMap(({ content }) => content).map(({ text }) => text ?? '');
const lastWords = (request) => request.input.filter(({ role }) => role === 'user').at(-1).content.map(({ text }) => text ?? '').join('\n');
const count = (request, words) => texts(request).join('\n').split(words).length - 1;

const FOUND = {
  verdict: 'incorrect',
  summary: 'Adds a list of prices; the total is wrong as soon as a product is there twice.',
  findings: [
    { path: 'basket.py', first_line: 25, last_line: 25, priority: 1, title: 'The total forgets how many pieces there are', body: 'With **three apples** the total is that of one: multiply by `self.lines[product]`.', confidence: 0.9 },
    { path: 'basket.py', first_line: 29, last_line: 29, priority: 2, title: 'A debt of less than one euro is printed wrong', body: '`euros(-5)` gives `-1.95 EUR`.', confidence: 0.7 },
    { path: 'prices.json', first_line: 2, last_line: 2, priority: 3, title: 'The apple is there twice', body: 'The second one wins.', confidence: 0.5 },
  ],
};
const PRICES = '{\n  "apple": 40,\n  "bread": 320\n}\n';
const FIX_TOTAL = `*** Begin Patch
*** Update File: basket.py
@@
-        return sum(product.cents for product in self.lines)
+        return sum(product.cents * count for product, count in self.lines.items())
*** End Patch`;
const breaks = (product) => `*** Begin Patch
*** Update File: prices.json
@@
-  "${product}": ${product === 'apple' ? 40 : 320}${product === 'apple' ? ',' : ''}
+  "${product}": ${product === 'apple' ? 40 : 320}${product === 'apple' ? ',' : ''} oops
*** End Patch`;
const mends = (product) => breaks(product).replace(/^-(.*)\n\+(.*)$/m, '-$2\n+$1');
const TOLD = 'The editor reports these problems';

const findings = (panel) => panel.frame.locator('.bar.findings');
const reviewed = async ({ panel, page, shot, model, ws }) => {
  writeFileSync(join(ws, 'prices.json'), PRICES);
  await workbench.repository(page).waitFor(); // VS Code looks for it after it has opened the window
  await panel.send('/review');
  await workbench.choose(page, 'Uncommitted changes');
  await findings(panel).getByText('3 findings').waitFor();
  assert.match(lastWords(model.requests[0]), /Review the uncommitted changes/);
  assert.equal(model.requests[0].text?.format?.type, 'json_schema');
  await workbench.openFile(page, 'basket.py');
  await eventually(() => workbench.commentMarks(page).count(), (marks) => marks === 2, 'marks of comments in the file');
  await findings(panel).getByText('The total forgets').click();
  await workbench.comment(page, 'three apples').waitFor();
  await shot.themes('findings');
  await workbench.widen(page, 280);
  await shot.themes('findings-narrow');
  await workbench.widen(page, 430);
  await panel.idle();

  await page.reload();
  await workbench.ready(page);
  const again = await Panel.open(page);
  await findings(again).getByText('3 findings').waitFor();
  await findings(again).getByText('A debt of less').click();
  await workbench.tab(page, 'basket.py').waitFor();
  await eventually(() => workbench.commentMarks(page).count(), (marks) => marks === 2, 'marks of comments after a reload');
  await findings(again).getByRole('button', { name: /^Dismiss: The apple/ }).click();
  await findings(again).getByText('2 findings').waitFor();
  await workbench.commentAction(page, 'euros(-5)', 'Mark as Resolved').click();
  await findings(again).getByText('1 finding').waitFor();
  await eventually(() => workbench.commentMarks(page).count(), (marks) => marks === 1, 'marks after one was resolved');
  await findings(again).getByText('The total forgets').click();
  await workbench.commentAction(page, 'three apples', 'Fix with Treadle').click();
  await again.answered('Every piece counts.');
  assert.match(lastWords(model.requests[1]), /The total forgets how many pieces[\s\S]*three apples/);
  assert.match(readFileSync(join(ws, 'basket.py'), 'utf8'), /product\.cents \* count/);
  await shot('fixed');
  await findings(again).getByRole('button', { name: 'Clear the review' }).click();
  await eventually(() => findings(again).count(), (bars) => bars === 0, 'the bar after it was cleared');

  // A problem that appears while the agent is at work is told to it, once. VS Code's own language servers look at files in tabs only.
  await workbench.openFile(page, 'prices.json');
  const bar = again.frame.locator('.bar.problems');
  await again.send('Break the apple');
  await again.answered('The apple is whole again.');
  const [told, later, ...more] = model.requests.filter((request) => count(request, TOLD) > 0);
  assert.deepEqual([count(told, TOLD), count(later, TOLD), more.length], [1, 1, 0], 'told once, while it was at work');
  assert.match(texts(told).join('\n'), /prices\.json:2:\d+: error \(json/);
  await eventually(() => bar.count(), (bars) => bars === 0, 'bars of new problems');

  // One that appears after the end is told to the user.
  await again.send('Break the bread');
  await bar.getByText(/^2 new problems in prices.json/).waitFor();
  await shot.themes('new-problems');
  await bar.getByRole('button', { name: 'Fix' }).click();
  await again.answered('The bread is whole again.');
  assert.match(lastWords(model.requests.at(-1)), /prices\.json:3:\d+: error/);
  await eventually(() => bar.count(), (bars) => bars === 0, 'bars of new problems');
  assert.equal(readFileSync(join(ws, 'prices.json'), 'utf8'), PRICES);
};
const quick = { pace: 0, size: 400 };
test('findings of a review stand at their lines, and new problems go back to the agent', scene('editor-review', {
  repository: true,
  settings: { ...atOnce, 'comments.openView': 'never' },
  script: [
    [say(JSON.stringify(FOUND), quick)],
    [patch(FIX_TOTAL)], [say('Every piece counts.', quick)],
    [patch(breaks('apple'))], until(TOLD, run('sleep 0.1')), [patch(mends('apple'))], [say('The apple is whole again.', quick)],
    [patch(breaks('bread'))], [say('Done.', quick)],
    [patch(mends('bread'))], [say('The bread is whole again.', quick)],
  ],
}, reviewed));

const SHOP = `/** Prices with tax. */
export function withTax(cents: number): number {
  // TODO: round to whole cents
  return cents * 1.19;
}

export const apple: number = "forty";
`;
const commands = async ({ panel, page, shot, model, ws, ...place }) => {
  writeFileSync(join(ws, 'shop.ts'), SHOP);
  await workbench.openFile(page, 'shop.ts');
  await eventually(() => workbench.problemCount(page), (problems) => problems > 0, 'the problem that TypeScript reports', 60_000);

  // on the symbol at the cursor, by the menu of the editor
  await workbench.line(page, 'return cents').click();
  await workbench.symbolAtCursor(page, 'withTax');
  await workbench.subMenuOf(page, workbench.line(page, 'return cents'), 'Treadle', async () => shot.themes('menu'), 'Explain');
  await panel.answered('It adds the tax.');
  assert.match(lastWords(model.requests[0]), /withTax/);
  assert.match(lastWords(model.requests[0]), /return cents \* 1\.19/);
  assert.doesNotMatch(lastWords(model.requests[0]), /forty/);
  await shot('explained');

  // Ask by keys: what it is about is named in the composer, and the keyboard is there
  await workbench.line(page, 'return cents').click();
  await page.keyboard.press('Alt+k');
  await page.keyboard.press('q');
  await panel.frame.locator('.named-one', { hasText: 'shop.ts:1-5' }).or(panel.frame.locator('.named-one', { hasText: 'shop.ts:2-5' })).waitFor();
  await panel.keyboardIn('chat-input');
  await page.keyboard.type('why 19?');
  await shot.themes('asked');
  await page.keyboard.press('Enter');
  await panel.answered('It is the rate.');
  assert.match(texts(model.requests[1]).join('\n'), /why 19\?/);

  // Add to Chat: a selection
  await workbench.line(page, 'export const apple').click();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
  await workbench.command(page, 'Treadle: Add to Chat');
  await panel.frame.locator('.named-one', { hasText: 'shop.ts:7' }).waitFor();
  await panel.keyboardIn('chat-input');
  await page.keyboard.press('Shift+Home');
  await page.keyboard.press('Delete');

  // the light bulb on a problem
  const fix = await workbench.quickFix(page, 'export const apple', 'Fix with Treadle: Type');
  await shot.themes('light-bulb');
  await fix.click();
  await panel.answered('Forty it is.');
  assert.match(lastWords(model.requests[2]), /shop\.ts[\s\S]*not assignable/);
  await eventually(() => readFileSync(join(ws, 'shop.ts'), 'utf8'), (text) => text.includes('apple: number = 40'), 'the file on disk');

  // TODO comments, when they are wanted
  const offered = async () => (await workbench.lenses(page)).some(([title]) => title.includes('Do this with Treadle'));
  assert.equal(await offered(), false);
  setMachine(place, { 'treadle.python.interpreter': python, 'treadle.todoLens': true });
  await eventually(offered, Boolean, 'the lens above the TODO comment');
  await shot.themes('todo');
  await workbench.clickLens(page, 'Do this with Treadle', '// TODO');
  await panel.answered('Rounded.');
  assert.match(lastWords(model.requests[4]), /TODO: round to whole cents/);
};
const FIX_APPLE = `*** Begin Patch
*** Update File: shop.ts
@@
-export const apple: number = "forty";
+export const apple: number = 40;
*** End Patch`;
test('what is selected or under the cursor, a problem and a TODO comment are handed over by menu, keys, palette and light bulb', scene('editor-commands', {
  settings: atOnce,
  script: [[say('It adds the tax.', quick)], [say('It is the rate.', quick)], [patch(FIX_APPLE)], [say('Forty it is.', quick)], [say('Rounded.', quick)]],
}, commands));

const committed = async ({ page, shot, model, ws }) => {
  const basket = join(ws, 'basket.py');
  writeFileSync(basket, readFileSync(basket, 'utf8').replace('EUR', 'euros'));
  writeFileSync(join(ws, '.env'), 'KEY=very-secret-words\n');
  await workbench.showSourceControl(page);
  await page.locator('.scm-view .monaco-list-row', { hasText: 'basket.py' }).waitFor();
  const box = workbench.commitBox(page);
  await workbench.scmButton(page, 'Write Commit Message').click();
  await eventually(() => workbench.commitWords(page), (text) => text === 'Say euros in words', 'the message');
  assert.match(texts(model.requests[0]).join('\n'), /<diff>[\s\S]*basket\.py[\s\S]*The sample project/);
  assert.doesNotMatch(JSON.stringify(model.requests[0]), /very-secret-words/);
  assert.equal(model.requests[0].tools?.length ?? 0, 0, 'it is given no tools');
  await shot.themes('message');

  await box.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Mine');
  await workbench.scmButton(page, 'Write Commit Message').click();
  await workbench.scmButton(page, 'Stop Writing').waitFor();
  await shot.themes('writing');
  await workbench.scmButton(page, 'Stop Writing').click();
  await workbench.scmButton(page, 'Write Commit Message').waitFor();
  await eventually(() => model.hangUps, (hangUps) => hangUps === 1, 'the model that is asked no more');
  await eventually(() => workbench.commitWords(page), (text) => text === 'Mine', 'the words that stood there');
  assert.deepEqual(await workbench.notifications(page).allInnerTexts(), []);

  await workbench.scmButton(page, 'Write Commit Message').click();
  await eventually(() => workbench.commitWords(page), (text) => /^Name the currency\s+Mine$/.test(text), 'the message and the words that stood there');
  assert.match(texts(model.requests[2]).join('\n'), /<begun>\s*Mine/);
  await shot('merged');
};
test('the message of a commit is written into its box, can be stopped, and keeps the words that stand there', scene('editor-commit', {
  repository: true,
  script: [[say('Say euros in words', quick)], [ramble()], [say('Name the currency', quick)]],
}, committed));
