// The view of threads: found by what was said, renamed by a key, archived and brought back, exported, deleted for good; the window opens
// its last thread again, and says so when another window has it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { say } from './fake-model.mjs';
import { eventually, Panel } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const TALKS = [['Explain the basket', 'It holds products.'], ['Name three colours', 'Teal, ochre and plum.'], ['Count to four', 'One, two, three, four.']];
const script = TALKS.map(([, answer]) => [say(answer)]);

const talk = async ({ panel, page }) => {
  for (const [at, [question, answer]] of TALKS.entries()) {
    if (at) await workbench.command(page, 'Treadle: New Thread');
    await eventually(() => panel.at('message-agent').count(), (count) => count === 0, 'messages of the new thread');
    await panel.send(question);
    await panel.answered(answer);
  }
};

const listed = async (given) => {
  const { page, panel, shot, ws } = given;
  await talk(given);
  const tree = await workbench.tree(page, 'Threads');
  const names = () => tree.locator('.monaco-list-row .label-name').allInnerTexts();
  const shows = (expected, what) => eventually(names, (found) => JSON.stringify(found) === JSON.stringify(expected), what);
  await shows(['Count to four', 'Name three colours', 'Explain the basket'], 'the threads of this folder');
  await shot.themes('threads');

  await workbench.command(page, 'Treadle: Search Threads');
  await workbench.fillBox(page, 'Search names and everything that was said', 'ochre');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Teal, ochre and plum.' }).waitFor();
  await shot.themes('found');
  await workbench.choose(page, 'Name three colours');
  await panel.at('message-agent').getByText('Teal, ochre and plum.').waitFor();

  await workbench.row(tree, 'Explain the basket').click();
  await panel.at('message-agent').getByText('It holds products.').waitFor();
  await page.keyboard.press('F2');
  await workbench.answerBox(page, 'The basket');
  await shows(['Count to four', 'Name three colours', 'The basket'], 'the new name');
  await page.locator('.part.auxiliarybar', { hasText: 'The basket' }).first().waitFor();

  await workbench.inline(workbench.row(tree, 'Count to four'), 'Archive');
  await shows(['Name three colours', 'The basket', 'Archived'], 'without the archived thread');
  await workbench.row(tree, 'Archived').click();
  await shows(['Name three colours', 'The basket', 'Archived', 'Count to four'], 'with the archived ones');
  await shot('archived');
  await workbench.inline(workbench.row(tree, 'Count to four'), 'Unarchive');
  await shows(['Count to four', 'Name three colours', 'The basket'], 'with the thread that came back');

  await workbench.menuOf(page, workbench.row(tree, 'The basket'), 'Export…');
  await workbench.choose(page, 'Markdown');
  const proposed = page.locator('.quick-input-widget:not(.hidden) input').first();
  const path = await eventually(() => proposed.inputValue(), (value) => value === join(ws, 'the-basket.md'), 'the proposed file');
  await page.keyboard.press('Enter');
  await eventually(() => existsSync(path) && readFileSync(path, 'utf8'), (text) => /It holds products\./.test(text), 'the exported file');

  await workbench.menuOf(page, workbench.row(tree, 'Count to four'), 'Delete…');
  await page.locator('.monaco-dialog-box', { hasText: 'for good?' }).waitFor();
  await shot.themes('delete');
  await workbench.dialogButton(page, 'Delete').click();
  await shows(['Name three colours', 'The basket'], 'without the deleted thread');

  await page.reload();
  await workbench.ready(page);
  const back = await Panel.open(page);
  await back.at('message-agent').getByText('It holds products.').waitFor();
  await shot('reopened');

  const other = await page.context().newPage();
  await other.goto(given.url);
  await workbench.ready(other);
  const second = await Panel.open(other);
  await second.at('elsewhere').getByText('The basket').waitFor();
  await other.screenshot({ path: join(process.env.SHOTS, 'threads-elsewhere.png') });
  await second.at('elsewhere').getByRole('button', { name: 'Open a Copy' }).click();
  await second.at('message-agent').getByText('It holds products.').waitFor();
  await back.at('message-agent').getByText('It holds products.').waitFor();
  await other.close();
};
test('threads are found, renamed, archived, exported and deleted; the last one opens again, and not in two windows', scene('threads', { script }, listed));
