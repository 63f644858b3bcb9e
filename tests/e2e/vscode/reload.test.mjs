// A turn whose window is reloaded, whose sidecar is killed, whose panel is closed and moved: nothing is lost, nothing runs twice.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ramble, run, say } from './fake-model.mjs';
import { eventually, Panel } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const beyond = (cmd, why) => run(cmd, { sandbox_permissions: 'require_escalated', justification: why });
const lines = (path) => {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
};

/** The sidecars of this VS Code: processes with its folder in their environment. */
const sidecars = (dir) => readdirSync('/proc').filter((pid) => {
  if (!/^\d+$/.test(pid)) return false;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes('treadle') && words.includes('serve') && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(dir);
  } catch {
    return false; // it has ended meanwhile
  }
}).map(Number);

const badge = (page) => page.locator('.part.auxiliarybar .badge-content, .part.auxiliarybar .composite-badge .badge').first();

const asking = [
  [say('First I look.'), beyond('echo once >> ../once.txt', 'May I note it beside the workspace?')],
  [beyond('echo twice >> ../once.txt', 'And a second time?')],
  [say('Noted twice.')],
];

test('a question survives a reload of the window: the same card, and its command runs once', scene('reload-asking', { script: asking }, async ({ panel, page, shot, model, dir }) => {
  await panel.send('Note it');
  await panel.at('approval').getByText('May I note it beside the workspace?').waitFor();
  const known = (all) => all.includes('"treadle.waiting":true') && all.includes('workbench.auxiliaryBar.hidden false');
  await eventually(() => workbench.stored(page), known, 'that a question waits and the panel is shown, among what VS Code has stored');
  await page.reload();
  await workbench.ready(page);
  const again = await panel.again();
  const card = again.at('approval').first();
  await card.getByText('May I note it beside the workspace?').waitFor();
  assert.match(await card.innerText(), /echo once >> \.\.\/once\.txt/);
  assert.equal(await again.at('message-agent').getByText('First I look.').count(), 1);
  assert.equal(await again.at('stop').count(), 1, 'the turn goes on');
  assert.deepEqual(lines(join(dir, 'once.txt')), []);
  await eventually(() => badge(page).innerText(), (text) => text.trim() === '1', 'the badge of the view');
  await shot.themes('asks-again');
  await again.lasting('workspace');
  await shot('offers-again');
  await page.keyboard.press('Escape');
  await again.at('approve-accept').first().click();
  await again.at('approval').getByText('And a second time?').waitFor();
  assert.deepEqual(lines(join(dir, 'once.txt')), ['once']);
  await page.reload();
  await workbench.ready(page);
  const third = await again.again();
  await third.at('approval').getByText('And a second time?').waitFor();
  await third.at('outcome').getByText('Allowed once').waitFor();
  assert.equal(await third.at('outcome').count(), 1, 'how the first question ended is still there');
  await shot('second-question');
  const [asker] = await eventually(() => sidecars(dir), (pids) => pids.length === 1, 'the sidecar of this window');
  process.kill(asker, 'SIGKILL');
  await eventually(() => sidecars(dir), (pids) => pids.length === 1 && pids[0] !== asker, 'a new sidecar');
  await third.at('approval').getByText('And a second time?').waitFor();
  assert.equal(await third.at('error-card').count(), 0, 'the turn that waits goes on by itself');
  await third.at('approve-accept').first().click();
  await third.answered('Noted twice.');
  assert.deepEqual(lines(join(dir, 'once.txt')), ['once', 'twice']);
  assert.equal(model.requests.length, 3);
  assert.equal(await third.at('error-card').count(), 0);
  await shot('done');
}));

const cut = [[say('I begin.'), run('echo begun >> begun.txt')], [ramble()], [say('And that was the rest.')]];

test('a turn whose sidecar is killed is continued by a click', scene('killed', { script: cut }, async ({ panel, page, shot, model, dir, ws }) => {
  await panel.send('Work');
  await panel.at('message-agent').last().getByText('and so on').waitFor();
  const [first] = sidecars(dir);
  assert.ok(first, 'there is a sidecar to kill');
  process.kill(first, 'SIGKILL');
  const stopped = panel.at('error-card').last();
  await stopped.locator('.continue').waitFor();
  await eventually(() => sidecars(dir), (pids) => pids.length === 1 && pids[0] !== first, 'a new sidecar');
  await eventually(() => panel.at('banner').getByText('starting it again').count(), (count) => count === 0, 'banners');
  assert.match(await panel.at('message-agent').last().innerText(), /and so on/, 'what was said stays');
  await shot.themes('stopped');
  await stopped.locator('.continue').click();
  await panel.answered('And that was the rest.');
  assert.equal(await panel.at('message-user').count(), 1, 'no words were sent again');
  assert.match(JSON.stringify(model.requests[2].input), /go on where the last turn was cut off/);
  assert.deepEqual(lines(join(ws, 'begun.txt')), ['begun']);
  await shot('went-on');
}));

test('a panel that is closed and moved in the middle of a turn is there again with all of it', scene('moved', { script: [[ramble()]] }, async ({ panel, page, shot }) => {
  const length = (where) => where.at('message-agent').first().innerText().then((text) => text.length);
  await panel.send('Talk');
  await panel.at('message-agent').getByText('and so on').waitFor();
  await workbench.hidePanel(page);
  await workbench.statusItem(page, 'Treadle').waitFor();
  const again = await Panel.open(page);
  await again.at('message-agent').getByText('and so on').waitFor();
  const before = await length(again);
  await workbench.command(page, 'View: Move View');
  await workbench.choose(page, 'Chat');
  await workbench.choose(page, 'New Side Bar Entry');
  await page.locator('.part.sidebar .pane-header, .part.sidebar .composite.title').filter({ hasText: 'Chat' }).first().waitFor();
  const moved = await Panel.open(page);
  await eventually(() => length(moved), (now) => now > before, 'the text, which goes on');
  assert.equal(await moved.at('message-user').count(), 1);
  await shot.themes('moved');
  await moved.at('stop').click();
  await moved.frame.locator('.stopped').getByText('Continue').waitFor();
  await shot('stopped');
}));
