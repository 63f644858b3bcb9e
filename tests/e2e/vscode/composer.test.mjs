// The composer: what is named is sent, drafts outlive a reload, messages wait while a turn runs, and what is chosen under the box counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, run, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { config, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const SKILL = `---
name: tidy-up
description: Puts the imports of a file in order
---
Sort the imports.
`;
const thinking = (url) => config(url).replace('model = "scripted"', 'model = "gpt-5-scripted"');
const texts = (request) => request.input.filter((item) => item.role === 'user').flatMap((item) => item.content).map((part) => part.text ?? '');
const words = (request) => texts(request).join('\n');
const efforts = (request) => request.reasoning?.effort;

/** Waits for a choice of the popup that has these words. */
const choice = (panel, name) => panel.frame.locator('.popup .choice', { hasText: name }).first();
const chosen = (panel) => panel.frame.locator('.popup .choice.chosen').first();
const chip = (panel, name) => panel.frame.locator('.named-one', { hasText: name });
const picker = (panel, name) => panel.frame.locator(`treadle-picker.${name} button.pick`);

const mentions = async ({ panel, page, shot, model }) => {
  await workbench.openFile(page, 'basket.py');
  await workbench.line(page, 'def total').click();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');

  await panel.type('Compare @chk');
  await choice(panel, 'check_basket.py').waitFor();
  // until the list for all letters is there, the one for fewer is
  await eventually(() => panel.frame.locator('.popup .choice .label b').first().innerText(), (letters) => letters === 'ch', 'the letters that stand out');
  await shot.themes('mention');
  await page.keyboard.press('Escape');
  await eventually(() => panel.frame.locator('.popup').count(), (count) => count === 0, 'the popup after Escape');
  await page.keyboard.press('Shift+Home'); // VS Code selects all only when its host says so, which is too late for the next key
  await page.keyboard.type('Compare @check_b');
  await choice(panel, 'check_basket.py').waitFor();
  await page.keyboard.press('Enter');
  await chip(panel, 'check_basket.py').waitFor();
  await page.keyboard.type('with @sel');
  await choice(panel, 'Selection').waitFor();
  await page.keyboard.press('Tab');
  await chip(panel, 'basket.py:').last().waitFor();
  await page.keyboard.type('and $ti');
  await choice(panel, 'tidy-up').waitFor();
  await page.keyboard.press('Enter');
  await chip(panel, 'tidy-up').waitFor();
  assert.match(await panel.input.inputValue(), /^Compare @check_basket\.py with @basket\.py:\d+ and \$tidy-up $/);
  await shot.themes('chips');

  const draft = await panel.input.inputValue();
  await eventually(() => workbench.stored(page), (all) => all.includes(draft), 'the draft among what VS Code has stored');
  await page.reload();
  await workbench.ready(page);
  const again = await panel.constructor.open(page);
  await eventually(() => again.input.inputValue(), (text) => text === draft, 'the draft after a reload');
  await eventually(() => again.frame.locator('.named-one').count(), (count) => count === 3, 'what the draft mentions');

  await again.input.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Enter');
  await again.answered('They agree.');
  const [request] = model.requests;
  assert.match(words(request), /Compare @check_basket\.py with/);
  assert.match(words(request), /\[@check_basket\.py\]\(.*check_basket\.py\)/);
  assert.match(words(request), /basket\.py, lines \d+-\d+:\n```python\n.*def total/);
  assert.match(words(request), /\$tidy-up/);
  assert.doesNotMatch(await again.at('message-user').first().innerText(), /lines \d+-\d+:/, 'what came along is drawn by its name');
  await shot('sent');

  await again.input.click();
  await page.keyboard.press('ArrowUp');
  await eventually(() => again.input.inputValue(), (text) => text.startsWith('Compare @check_basket.py'), 'what was sent before');
  await page.keyboard.press('ArrowDown');
  await eventually(() => again.input.inputValue(), (text) => text === '', 'what was being written');

  await page.keyboard.type('/');
  await choice(again, '/compact').waitFor();
  await workbench.widen(page, 280);
  await shot.themes('commands-narrow');
  await page.keyboard.type('nonsense');
  await page.keyboard.press('Enter');
  await again.frame.getByText('There is no command /nonsense').waitFor();
  assert.equal(model.requests.length, 1, 'an unknown command is not sent');
  await page.keyboard.press('Shift+Home');
  await page.keyboard.type('/rename The two baskets');
  await page.keyboard.press('Enter');
  await page.locator('.part.auxiliarybar').getByText('The two baskets').first().waitFor();
};

const go = Promise.withResolvers();
const queue = async ({ panel, page, shot, model }) => {
  const waiting = () => panel.frame.locator('.queue li .words').allInnerTexts();
  await panel.send('Begin');
  await panel.at('stop').waitFor();
  for (const text of ['second', 'third', 'fourth']) {
    await panel.send(text);
    await panel.frame.locator('.queue li', { hasText: text }).waitFor();
  }
  const row = (text) => panel.frame.locator('.queue li', { hasText: text });
  await row('third').hover();
  await row('third').getByRole('button', { name: 'Move up' }).click();
  await eventually(waiting, (list) => list.join() === 'third,second,fourth', 'the new order');
  await row('second').locator('.words').click();
  await panel.frame.locator('.queue textarea').fill('second, better');
  await page.keyboard.press('Enter');
  await eventually(waiting, (list) => list.join() === 'third,second, better,fourth', 'the new words');
  await row('third').getByRole('button', { name: 'Delete' }).click();
  await eventually(waiting, (list) => list.join() === 'second, better,fourth', 'what waits after one was deleted');
  await row('fourth').hover();
  await shot.themes('queue');

  await workbench.hidePanel(page);
  const again = await panel.constructor.open(page);
  const waits = () => again.frame.locator('.queue li .words').allInnerTexts();
  await eventually(waits, (list) => list.join() === 'second, better,fourth', 'the queue in a panel that was built anew');
  await again.frame.locator('.queue li', { hasText: 'fourth' }).getByRole('button', { name: /Send now/ }).click();
  await eventually(waits, (list) => list.join() === 'second, better', 'the queue after one was sent');
  go.resolve();
  await again.answered('All is done');
  assert.equal(await again.frame.locator('.queue').count(), 0);
  const said = model.requests.map((request) => texts(request).filter((text) => ['Begin', 'second, better', 'third', 'fourth'].includes(text)).join());
  assert.deepEqual(said, ['Begin', 'Begin,fourth', 'Begin,fourth,second, better']);
  await shot('done');
};

const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC';

/** Pastes a picture as the clipboard would: the test's own clipboard holds none. */
const paste = (panel, data) => panel.input.evaluate((field, base64) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], 'red.png', { type: 'image/png' }));
  field.focus();
  field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}, data);

const pickers = async ({ panel, page, shot, model }) => {
  await eventually(() => picker(panel, 'model').innerText(), (text) => text.includes('gpt-5-scripted'), 'the model in force');
  await picker(panel, 'effort').waitFor(); // it is there when the models are known
  await paste(panel, PICTURE);
  await panel.frame.locator('.named-one.image img').waitFor();
  await panel.type('/eff');
  await choice(panel, '/effort').waitFor();
  await page.keyboard.press('Enter');
  await panel.frame.locator('.popup.picker .choice', { hasText: 'High' }).waitFor();
  await shot.themes('effort');
  await page.keyboard.press('ArrowDown');
  await eventually(() => chosen(panel).innerText(), (text) => text.includes('High'), 'the choice that the arrow goes to');
  await page.keyboard.press('Enter');
  await eventually(() => picker(panel, 'effort').innerText(), (text) => text.includes('High'), 'the effort in force');
  await panel.send('What is this?');
  await panel.answered('A red square.');
  assert.equal(efforts(model.requests[0]), 'high');
  assert.match(JSON.stringify(model.requests[0].input), /"input_image","image_url":"data:image\/png;base64,iVBOR/);

  await picker(panel, 'effort').click();
  await panel.frame.locator('.popup.picker .choice', { hasText: 'Low' }).click();
  await eventually(() => picker(panel, 'effort').innerText(), (text) => text.includes('Low'), 'the effort of the thread');
  await picker(panel, 'mode').click();
  await panel.frame.locator('.popup.picker .choice', { hasText: 'Read only' }).click();
  await eventually(() => picker(panel, 'mode').innerText(), (text) => text.includes('Read only'), 'the mode of the thread');
  await picker(panel, 'model').click();
  await eventually(() => panel.frame.locator('.popup.picker input.find').evaluate((field) => document.activeElement === field), Boolean, 'the keyboard in the list');
  await page.keyboard.type('gpt');
  await choice(panel, 'Use gpt').waitFor();
  await shot.themes('model');
  await page.keyboard.press('Escape');
  await panel.send('And now?');
  await panel.answered('Still red.');
  assert.equal(efforts(model.requests[1]), 'low');
  assert.match(words(model.requests[1]) + JSON.stringify(model.requests[1].input), /read-only/i);

  await panel.input.evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', 'a long line of text\n'.repeat(50_000));
    field.focus();
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await chip(panel, 'Pasted text').waitFor();
  await workbench.widen(page, 280);
  await shot.themes('narrow');
};

const files = { '.codex/skills/tidy-up/SKILL.md': SKILL };
test('what is named in the composer is sent, and a draft outlives a reload', scene('composer', { script: [[say('They agree.')]], files }, mentions));
test('messages wait while a turn runs, and can be changed, moved, deleted and sent now', scene('composer-queue', {
  script: [[after(go.promise, run('true'))], [say('The first is done.')], [say('All is done.')]],
}, queue));
test('pictures and what is chosen under the box reach the model', scene('composer-pickers', {
  script: [[say('A red square.')], [say('Still red.')]], providers: thinking,
}, pickers));
