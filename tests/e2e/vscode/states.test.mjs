// Every state of the panel that tests/extension/harness_scenes.js knows, in four themes, as an ordinary browser draws it: axe-core finds
// nothing serious in any, nothing is wider than the panel, and the panel is at rest when nothing happens.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { faults } from './axe.mjs';

const HARNESS = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'extension', 'harness.html')).href;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/lib/chromium/chromium';
const PAGES = { webview: 'treadle-panel', permissions: 'treadle-permissions' };
const WIDTHS = [430, 280];
let browser;
let page;

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND'] });
  page = await browser.newPage({ viewport: { width: 430, height: 860 }, reducedMotion: 'reduce' }); // a colour is judged at rest
});
after(() => browser?.close());

const open = async (kind, scene, theme) => {
  await page.goto(`${HARNESS}?page=${kind}&scene=${scene}&theme=${theme}`);
  await page.locator(`${PAGES[kind]} *`).first().waitFor();
  await page.evaluate(() => document.fonts.ready);
};

const names = async (kind) => {
  await page.goto(`${HARNESS}?page=${kind}&scene=${kind === 'webview' ? 'welcome' : 'full'}&theme=dark`);
  return page.evaluate((which) => Object.keys(which === 'webview' ? scenes : permissions), kind);
};

/** What sticks out of the page at its right, where it cannot be seen. */
const tooWide = () => page.evaluate(() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  return scrollWidth > clientWidth ? [`the page is ${scrollWidth} wide in ${clientWidth}`] : [];
});

for (const kind of Object.keys(PAGES)) {
  for (const theme of ['dark', 'light', 'contrast', 'contrast-light']) {
    test(`${kind} in every state, ${theme}: nothing serious`, async () => {
      const found = [];
      for (const scene of await names(kind)) {
        await open(kind, scene, theme);
        found.push(...(await faults(page)).map((fault) => `${scene}: ${fault}`));
      }
      assert.deepEqual(found, []);
    });
  }
}

test('nothing is wider than the panel, wide or narrow', async () => {
  const found = [];
  for (const scene of await names('webview')) {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 860 });
      await open('webview', scene, 'dark');
      found.push(...(await tooWide()).map((fault) => `${scene} at ${width}: ${fault}`));
    }
  }
  await page.setViewportSize({ width: 430, height: 860 });
  assert.deepEqual(found, []);
});

/** Words of the table of costs that are drawn in two lines, and names of its rows that are. */
const broken = () => page.locator('.bill').evaluate((table) => {
  const inTwo = (node, from, to) => {
    const range = new Range();
    range.setStart(node, from);
    range.setEnd(node, to);
    return new Set([...range.getClientRects()].map(({ top }) => top)).size > 1;
  };
  const texts = [...table.querySelectorAll('th, td')].flatMap((cell) => [...cell.childNodes].filter((node) => node instanceof Text && node.data.trim()));
  return texts.flatMap((text) => {
    const parts = [...text.data.matchAll(text.parentElement.scope === 'row' ? /.+/g : /\S+/g)];
    return parts.filter(({ index, 0: part }) => inTwo(text, index, index + part.length)).map(([part]) => part);
  });
});

test('the costs can be read in a narrow panel', async () => {
  for (const width of [430, 280, 180]) {
    await page.setViewportSize({ width, height: 860 });
    await open('webview', 'done', 'dark');
    await page.locator('header .meter').click();
    await page.locator('.bill').getByText('without a public price').waitFor();
    const [wide, room] = await page.locator('.bill').evaluate((table) => [table.offsetWidth, table.parentElement.clientWidth]);
    assert.ok(wide <= room, `at ${width} the table is ${wide} wide in ${room}`);
    if (width >= 280) assert.deepEqual(await broken(), [], `at ${width}`);
  }
  await page.setViewportSize({ width: 430, height: 860 });
});
