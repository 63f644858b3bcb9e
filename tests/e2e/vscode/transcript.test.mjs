// The chat as people read it: every kind of card in one long turn, the marks and the search through a long thread whose beginning is not
// loaded, code applied to a file after a yes, and text of a model that means harm, which is drawn as harmless words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { call, patch, run, say, think } from './fake-model.mjs';
import { eventually, Panel } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const FIX = `*** Begin Patch
*** Update File: basket.py
@@
     def total(self) -> int:
-        return sum(product.cents for product in self.lines)
+        return sum(product.cents * count for product, count in self.lines.items())
*** End Patch`;
const steps = (...states) => call('update_plan', { plan: ['Look at the basket', 'Run a long check', 'Say what was found'].map((step, at) => ({ step, status: states[at] })) });
const CODE = 'The helper belongs into `helper.py`:\n\n```python\ndef cents(euros: float) -> int:\n    return round(euros * 100)\n```\n\n| file | lines |\n|---|---:|\n| `basket.py` | 1 |\n\n1. One was changed\n2. Nothing else was';

const reading = async ({ panel, page, shot, ws, model }) => {
  await panel.send('Look at everything, please');
  await panel.at('approve-accept').first().click();
  await panel.at('message-agent').getByText('Nothing else was').waitFor({ timeout: 60_000 });
  await panel.idle(60_000);
  assert.equal(await panel.frame.locator('.card.command').count(), 2);
  assert.equal(await panel.frame.locator('.card.command').last().locator('.badge.bad').innerText(), 'exit 3');
  await shot.themes('cards');
  await workbench.widen(page, 280);
  await shot('cards-narrow');
  await workbench.widen(page, 430);

  await panel.frame.locator('.card.command').last().getByRole('button', { name: 'Show full output' }).click();
  await eventually(() => workbench.tabs(page).allInnerTexts(), (tabs) => tabs.some((name) => name.includes('Output')), 'the whole output in an editor');
  await page.keyboard.press('Escape');

  await panel.frame.getByRole('button', { name: 'Apply code to helper.py' }).click();
  await workbench.choose(page, 'Create helper.py');
  await workbench.diffEditor(page).locator('.line-insert').first().waitFor();
  assert.throws(() => readFileSync(join(ws, 'helper.py')), 'nothing is written before the answer');
  await shot('apply');
  await workbench.notifications(page).getByRole('button', { name: 'Apply' }).click();
  await eventually(() => { try { return readFileSync(join(ws, 'helper.py'), 'utf8'); } catch { return ''; } }, (text) => text.startsWith('def cents'), 'the code in its file');

  for (let turn = 1; turn <= 29; turn += 1) {
    await panel.send(`Message number ${turn}`);
    await panel.answered(`Answer number ${turn} ends.`);
  }
  assert.equal(model.requests.length, 36);
  await page.reload();
  await workbench.ready(page);
  const again = await Panel.open(page);
  await again.at('message-agent').getByText('Answer number 29 ends.').waitFor();
  const { frame } = again;
  assert.equal(await frame.getByText('Message number 3', { exact: true }).count(), 0, 'the beginning is not loaded');

  await again.input.click();
  await page.keyboard.press('Control+f');
  await frame.locator('.find input').waitFor();
  await eventually(() => frame.locator('.find input').evaluate((field) => document.activeElement === field), Boolean, 'the keyboard in the search');
  await page.keyboard.type('Look at everything');
  await frame.locator('.find .elsewhere').getByText('1 more in earlier messages').waitFor();
  await frame.locator('.find .elsewhere button').click();
  await frame.locator('.find .status').getByText('1 of 1').waitFor();
  await frame.locator('.find input').fill('Message number');
  await frame.locator('.find .status').getByText('of 29').waitFor();
  await page.keyboard.press('Enter');
  await frame.locator('.find .status').getByText('2 of 29').waitFor();
  await shot.themes('find');
  await page.keyboard.press('Escape');
  await frame.locator('.find').waitFor({ state: 'detached' });

  await frame.locator('.scroll').hover();
  await frame.getByRole('button', { name: 'Your messages' }).click();
  await frame.locator('.outline .entry').first().getByText('Look at everything').waitFor();
  await shot('outline');
  await frame.locator('.outline .entry').first().click();
  await eventually(() => again.inView('message-user'), Boolean, 'the first message in view');
  await eventually(() => again.focusedText(), (text) => text.includes('Look at everything'), 'the first message');
  await page.keyboard.press('Alt+PageDown');
  await eventually(() => again.focusedText(), (text) => text.includes('Message number 1'), 'the next message');
  await page.keyboard.press('Alt+PageUp');
  await eventually(() => again.focusedText(), (text) => text.includes('Look at everything'), 'the message before');
};

const script = [
  [think('**Looking around**\n\nFirst the basket, then the checks.'), say('I will look first.'), steps('in_progress', 'pending', 'pending'), run('cat basket.py')],
  [steps('completed', 'in_progress', 'pending'), run("seq 1 3000 | sed 's/$/ a line of a long output/'; exit 3")],
  [patch(FIX)],
  [steps('completed', 'completed', 'in_progress')],
  [call('view_image', { path: 'nothing-there.png' })],
  [steps('completed', 'completed', 'completed')],
  [say(CODE)],
  ...Array.from({ length: 29 }, (_, at) => [say(`Answer number ${at + 1} ends.`, { pace: 0, size: 40 })]),
];

test('every kind of card, marks, search, earlier messages and code that is applied', scene('transcript', { script }, reading));

const RLO = '\u202e';
const EVIL = [
  '<script>parent.document.title = "owned"</script><img src=x onerror="document.title=1">',
  '[a command](command:workbench.action.closeWindow), [a script](javascript:alert(1)), [data](data:text/html,x), [web](https://example.org)',
  '![far](https://evil.example/pixel.png) ![vector](data:image/svg+xml;base64,PHN2Zy8+)',
  `Right to left ${RLO}gnp.exe and on. \u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd stays on its line.`,
  `\`\`\`sh\nrm ${RLO}txt.exe\u200b\n\`\`\``,
  `${'>'.repeat(400)} deep`,
  '**half a mark [and half a link](http',
  `one long line ${'x'.repeat(200_000)} ends`,
].join('\n\n');

const harm = async ({ panel, shot, page, model }) => {
  await panel.send('Say something bad');
  await panel.at('message-agent').getByText('half a mark').waitFor({ timeout: 60_000 });
  await panel.idle(60_000);
  const message = panel.at('message-agent').first();
  const links = await message.locator('a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  assert.deepEqual(links, ['https://example.org']);
  assert.match(await message.innerText(), /Right to left ⟨U\+202E⟩gnp\.exe and on/);
  assert.equal(await message.locator('script, img, iframe, svg').count(), 0);
  assert.match(await message.innerText(), /<script>parent\.document/);
  assert.match(await message.locator('treadle-code').innerText(), /rm ⟨U\+202E⟩txt\.exe⟨U\+200B⟩/);
  assert.ok((await message.innerText()).length < 60_000, 'a long line is drawn within bounds');
  await message.getByRole('button', { name: 'Open the whole' }).waitFor();
  await message.locator('p').first().evaluate((node) => node.scrollIntoView());
  await shot.themes('harm');
  const command = panel.at('card-command').first();
  assert.match(await command.innerText(), /echo ⟨U\+202E⟩cba/);
  assert.equal(await page.title().then((title) => title.includes('owned')), false);
  assert.equal(model.requests.length, 2);
};

const bad = [[say(EVIL, { pace: 0, size: 4000 }), run(`echo ${RLO}cba`)], [say('Done.')]];
test('text that means harm is drawn as harmless words', scene('transcript-harm', { script: bad }, harm));
