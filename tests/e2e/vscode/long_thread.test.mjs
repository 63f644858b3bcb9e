// A thread of 2,000 items, as an ordinary browser draws it: how long it takes to open, what a key costs in it, what it costs to do
// nothing, what a streamed word draws anew, and how much memory it holds. The numbers are printed; the limits are the promises.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const HARNESS = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'extension', 'harness.html')).href;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/lib/chromium/chromium';
let browser;
let page;
let cdp;

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND'] });
});
after(() => browser?.close());

/** Work that is asked for later, by whom it may be asked: counted from before the page's first script. */
const count = () => {
  globalThis.askedFor = 0;
  for (const name of ['requestAnimationFrame', 'setTimeout', 'setInterval', 'requestIdleCallback']) {
    const real = globalThis[name].bind(globalThis);
    globalThis[name] = (...args) => { globalThis.askedFor += 1; return real(...args); };
  }
};

/** Eighty turns of twenty-five items, with all that a turn has: words, code, commands, edits, calls, thoughts. */
const makeThread = () => {
  const words = 'The parser reads a **comma** as a decimal point, see [parse.py](src/parse.py:10), and `wind()` refuses units that it does not know.\n\n- one\n- two\n\n';
  const code = '```python src/weather/parse.py\ndef wind(text: str) -> float:\n    number, _, unit = text.strip().partition(" ")\n    return float(number.replace(",", "."))\n```\n';
  const diff = '@@ -1,3 +1,3 @@\n def wind(text):\n-    return float(text)\n+    return float(text.replace(",", "."))\n';
  const kinds = [
    (id) => ({ type: 'agentMessage', id, text: words + (Number(id.slice(1)) % 3 ? '' : code), phase: null }),
    (id) => ({ type: 'reasoning', id, summary: [`**Looking** at ${id}`], content: [] }),
    (id) => ({ type: 'commandExecution', id, command: `python -m pytest tests/test_${id}.py`, cwd: '/w', status: 'completed', source: 'agent', commandActions: [], aggregatedOutput: 'ok\n'.repeat(30), exitCode: 0, durationMs: 900 }),
    (id) => ({ type: 'fileChange', id, status: 'completed', changes: [{ path: `/w/src/${id}.py`, kind: { type: 'update', move_path: null }, diff }] }),
    (id) => ({ type: 'mcpToolCall', id, server: 'docs', tool: 'search', status: 'completed', arguments: { query: id }, result: { content: [{ type: 'text', text: 'found' }], structuredContent: null }, error: null, durationMs: 12 }),
  ];
  const turns = [];
  for (let turn = 0, item = 0; turn < 80; turn += 1) {
    const items = [{ type: 'userMessage', id: `i${item++}`, clientId: null, content: [{ type: 'text', text: `Message ${turn}: please look at this`, text_elements: [] }] }];
    while (items.length < 25) { items.push(kinds[item % kinds.length](`i${item}`)); item += 1; }
    turns.push({ id: `u${turn}`, status: 'completed', error: null, items });
  }
  return turns;
};

const open = async () => {
  page = await browser.newPage({ viewport: { width: 430, height: 860 } });
  await page.addInitScript(count);
  await page.goto(`${HARNESS}?page=webview&scene=welcome&theme=dark`);
  await page.locator('textarea').waitFor();
  await page.evaluate(() => document.fonts.ready);
  cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await page.evaluate(`window.longTurns = (${makeThread})()`);
};

/** From the event that opens the thread to the frame after the one that shows its last message. */
const openThread = (id) => page.evaluate((threadId) => new Promise((done) => {
  const thread = { ...opened.params.thread, id: threadId, turns: longTurns };
  window.seq = (window.seq ?? 0) + 1;
  const begin = performance.now();
  window.postMessage({ type: 'snapshot', seq: 0, view: emptyView, panel, draft: { text: '', mentions: [], attachments: [] } });
  window.postMessage({ type: 'events', seq: 1, events: [{ ...opened, params: { ...opened.params, thread } }] });
  window.seq = 1;
  const look = () => {
    if (document.querySelector('[data-item="i1975"] .user')) requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begin)));
    else requestAnimationFrame(look);
  };
  look();
}), id);

const metric = async (name) => (await cdp.send('Performance.getMetrics')).metrics.find((one) => one.name === name).value;
const work = async (act) => {
  const before = await metric('TaskDuration');
  await act();
  return ((await metric('TaskDuration')) - before) * 1000;
};
const heap = async () => {
  await cdp.send('HeapProfiler.collectGarbage');
  return (await metric('JSHeapUsedSize')) / 1e6;
};
const settled = () => page.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 300)));

test('a thread of 2,000 items opens at once, costs nothing when nothing happens, and a key costs little in it', async () => {
  await open();
  const times = [];
  for (const id of ['a', 'b', 'c']) times.push(Math.round(await openThread(id)));
  console.log(`opened in ${times.join(', ')} ms`);
  assert.ok(Math.min(...times) < 1000, `opened in ${times} ms`);
  await settled();
  assert.ok(await page.locator('treadle-item').count() >= 100);

  await page.locator('textarea').click();
  await page.keyboard.type('warm up ');
  await settled();
  const keys = 60;
  const typing = await work(() => page.keyboard.type('the quick brown fox jumps over the lazy dog and runs on so far'.slice(0, keys)));
  console.log(`typing: ${(typing / keys).toFixed(2)} ms of work a key`);
  assert.ok(typing / keys < 16, `${typing / keys} ms a key`);
  await settled();

  const before = await page.evaluate(() => { askedFor = 0; return document.querySelectorAll('*').length; });
  const idle = await work(() => new Promise((done) => setTimeout(done, 4000)));
  const later = await page.evaluate(() => askedFor);
  console.log(`idle: ${idle.toFixed(1)} ms of work in 4 s, ${later} timers and frames asked for, ${before} elements`);
  assert.equal(later, 0, 'timers or frames while nothing happens');
  assert.ok(idle < 40, `${idle} ms of work in 4 s of nothing`);
});

test('a streamed word draws one item anew, and 3,000 of them cost little', async () => {
  await page.evaluate(() => {
    const threadId = 'c';
    window.postMessage({ type: 'events', seq: ++seq, events: [
      { method: 'turn/started', params: { threadId, turn: { id: 'live', items: [], status: 'inProgress', error: null } } },
      { method: 'item/started', params: { threadId, turnId: 'live', item: { type: 'agentMessage', id: 'm', text: '', phase: null } } },
    ] });
  });
  await settled();
  const touched = await page.evaluate(() => new Promise((done) => {
    const items = new Set();
    const watcher = new MutationObserver((changes) => {
      for (const change of changes) {
        const item = (change.target.closest ? change.target : change.target.parentElement)?.closest('treadle-item');
        if (item) items.add(item.dataset.item);
      }
    });
    watcher.observe(document.querySelector('.turns'), { childList: true, subtree: true, characterData: true });
    let left = 30;
    const step = () => {
      window.postMessage({ type: 'events', seq: ++seq, events: [{ method: 'item/agentMessage/delta', params: { threadId: 'c', turnId: 'live', itemId: 'm', delta: 'and some words ' } }] });
      left -= 1;
      if (left) requestAnimationFrame(step);
      else setTimeout(() => { watcher.disconnect(); done([...items]); }, 600);
    };
    step();
  }));
  assert.deepEqual(touched, ['m']);
  const streaming = await work(() => page.evaluate(() => new Promise((done) => {
    const text = 'Some *words* with [a link](https://example.org) and `code` here.\n\n- one\n- two\n\n```py\nprint(1)\n```\n\n'.repeat(640).slice(0, 60_000);
    let at = 0;
    const step = () => {
      const events = [];
      for (let n = 0; n < 10 && at < text.length; n += 1, at += 20) events.push({ method: 'item/agentMessage/delta', params: { threadId: 'c', turnId: 'live', itemId: 'm', delta: text.slice(at, at + 20) } });
      if (events.length) window.postMessage({ type: 'events', seq: ++seq, events });
      if (at < text.length) requestAnimationFrame(step);
      else setTimeout(done, 600);
    };
    step();
  })));
  console.log(`streaming 60 KB in 3,000 pieces: ${Math.round(streaming)} ms of work`);
  assert.ok(streaming < 60_000, `${streaming} ms`);
});

test('all of it can be drawn for a search, and memory stays within bounds however often a thread is opened', async () => {
  await openThread('d');
  await settled();
  const one = await heap();
  const before = Date.now();
  await page.evaluate(() => document.querySelector('treadle-transcript').go('find'));
  await page.locator('.find input').fill('Message 0:');
  await page.locator('.find .status').getByText('1 of 1').waitFor();
  console.log(`a search drew all of it in ${Date.now() - before} ms`);
  assert.ok(Date.now() - before < 15_000);
  await page.keyboard.press('Escape');
  for (let n = 0; n < 8; n += 1) await openThread(`again${n}`);
  await settled();
  const many = await heap();
  console.log(`heap: ${one.toFixed(1)} MB with one thread open, ${many.toFixed(1)} MB after eight more`);
  assert.ok(many < 100, `${many} MB`);
  assert.ok(many < one * 1.5 + 5, `${one} MB, then ${many} MB`);
});
