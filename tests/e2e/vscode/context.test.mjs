// What the agent knows: the meter's box with parts, cost and requests, the pages of the inspector, and MCP servers that fail and come back.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { config, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const TRACKER = join(dirname(fileURLToPath(import.meta.url)), 'fake-mcp.mjs');
const prices = (url) => `${config(url)}\n[treadle.prices.scripted]\ninput = 2.0\ncached = 0.2\noutput = 10.0\n`;

const knows = async ({ panel, page, shot }) => {
  const meter = panel.at('meter');
  const width = () => meter.evaluate((element) => element.getBoundingClientRect().width);
  await meter.waitFor();
  const before = await width();
  await panel.send('Look around');
  await panel.answered('Looked around.');
  assert.equal(await width(), before, 'the header does not move when the numbers come');
  await panel.send('And again');
  await panel.answered('Looked again.');

  await meter.click();
  const box = panel.at('context');
  const row = (name) => box.locator('tr', { hasText: name });
  await row('Tool outputs').waitFor();
  assert.match(await row('Base instructions').innerText(), /about \d/);
  assert.match(await row('Instruction files').innerText(), /about \d/);
  assert.match(await box.locator('.lead').innerText(), /of 128k tokens/);
  await box.getByText(/Compacted at 115k, in about/).waitFor();
  await eventually(() => box.locator('.bill tr', { hasText: 'Cost' }).last().innerText(), (text) => /\$0\.0192\s+\$0\.0402/.test(text), 'what it cost');
  const requests = box.locator('.request');
  await eventually(() => requests.count(), (count) => count === 3, 'requests in the ledger');
  const missed = box.locator('.request.missed');
  assert.match(await missed.innerText(), /no longer had it in its cache/);
  assert.equal(await requests.last().getAttribute('class'), 'request ', 'a first request misses nothing');
  await panel.keyboardIn('context');
  await shot.themes('box');

  await page.keyboard.press('Escape');
  await box.waitFor({ state: 'detached' });
  await panel.keyboardIn('meter');

  await meter.click();
  await box.locator('.source', { hasText: 'AGENTS.md' }).first().click();
  await workbench.tab(page, 'AGENTS.md').waitFor();
  await box.locator('.request', { hasText: 'first request' }).click();
  await workbench.tab(page, 'Request 1.md').waitFor();
  const shown = workbench.editorText(page);
  await shown.getByText('Nothing is as in a request before').waitFor();
  await page.locator('.editor-actions [aria-label^="Next Request"]').click();
  await workbench.tab(page, 'Request 2.md').waitFor();
  await shown.getByText('The prompt only grew').waitFor();
  const folded = async () => { // the language may not have said yet what can be folded
    await workbench.command(page, 'Fold All');
    return shown.locator('.view-line', { hasText: /^#\s\d/ }).count();
  };
  await eventually(folded, (count) => count > 4, 'pieces as folded headings');
  await shot.themes('request');

  await workbench.widen(page, 280);
  await workbench.command(page, 'Treadle: Show Ledger');
  await panel.at('context').locator('.request').first().waitFor();
  await eventually(() => panel.frame.locator('body').evaluate((body) => body.scrollWidth <= body.clientWidth), Boolean, 'nothing is cut off at 280 px');
  await shot.themes('narrow');
};

const used = (step, ...usage) => ({ ...step, usage });
const script = [[used(run('cat basket.py'), 9000, 0)], [used(say('Looked around.'), 9200, 9000)], [used(say('Looked again.'), 9400, 0)]];
test('the meter opens what the agent knows and what it cost, down to each request', scene('context', { script, providers: prices }, knows));

const folder = mkdtempSync(join(tmpdir(), 'treadle-tracker-'));
const put = (name) => writeFileSync(join(folder, name), '');
const table = `[mcp_servers.tracker]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(TRACKER)}, ${JSON.stringify(folder)}]\n`;
const late = (url) => `mcp_optional_startup_grace_ms = 1\n${config(url)}\n${table}`;

const keeps = async ({ panel, page, shot, model, home }) => {
  await panel.send('Hello');
  await panel.answered('Hello there.');
  put('go');
  const late = panel.at('banner').filter({ hasText: '3 arrived late' });
  await late.waitFor();
  assert.equal(await panel.at('banner').count(), 1, 'it is said once');
  await shot.themes('late');
  await late.getByText(/Refresh \(about/).click();
  await page.locator('.monaco-dialog-box').getByText('Refresh Tools').click();
  await late.waitFor({ state: 'detached' });
  await panel.send('Use them');
  await panel.answered('I see them.');
  assert.ok(model.requests[1].tools.some((tool) => tool.name === 'mcp__tracker__report'));
  assert.deepEqual(model.faults.splice(0), ['request 1: tools moved']);
  await workbench.command(page, 'Treadle: Show Ledger');
  await panel.at('context').locator('.request.missed').getByText('The tool list changed').waitFor();
  await panel.keyboardIn('context');
  await page.keyboard.press('Escape');

  await workbench.command(page, 'Treadle: MCP Servers');
  const row = page.locator('.pane', { hasText: 'MCP Servers' }).locator('.monaco-list-row', { hasText: 'tracker' });
  await row.getByText('3 tools').waitFor();
  await row.click();
  await page.locator('.monaco-list-row', { hasText: 'close_issue' }).waitFor();
  await shot.themes('servers');

  put('broken');
  process.kill(Number(readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n').at(-1)), 'SIGKILL');
  await row.getByText(/no license found/).waitFor();
  await workbench.inline(row, 'Show Log of MCP Server');
  const log = workbench.editorText(page);
  await log.getByText('tracker: up').first().waitFor();
  await log.getByText('tracker: no license found').first().waitFor();
  const path = join(home, '.codex', 'config.toml');
  writeFileSync(path, `${readFileSync(path, 'utf8')}required = true\n`);
  await workbench.inline(row, 'Restart MCP Server');
  await workbench.statusItem(page, 'MCP: tracker').waitFor();
  await shot.themes('failed');
  rmSync(join(folder, 'broken'));
  await workbench.inline(row, 'Restart MCP Server');
  await row.getByText('3 tools').waitFor();
  await workbench.statusItem(page, 'MCP: tracker').waitFor({ state: 'detached' });
};

const talk = [[used(say('Hello there.'), 9000, 0)], [used(say('I see them.'), 9800, 0)]];
test('tools that come late wait for a refresh, and a server that died is looked into and restarted', async () => {
  await scene('servers', { script: talk, providers: late }, keeps)().finally(() => rmSync(folder, { recursive: true, force: true }));
});
