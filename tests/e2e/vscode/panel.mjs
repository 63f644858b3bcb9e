// Treadle's panel as the tests see it: where its parts are, what a person does with it, how its text grew.
// It must never wait by the clock for something that can be seen.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { faults } from './axe.mjs';
import { setTheme } from './harness.mjs';
import * as workbench from './workbench.mjs';

const SHOTS = process.env.SHOTS;

/** Selectors of the panel's DOM live here and nowhere else. */
const PARTS = {
  'chat-input': '.composer textarea',
  send: '.composer .send',
  stop: '.composer .stop',
  'message-user': '.user',
  'message-agent': 'treadle-item > treadle-markdown',
  'card-command': '.card.command',
  'card-file': '.card.change',
  approval: '.approval',
  'approve-accept': '.approval .accept',
  'approve-lasting': '.approval .lasting',
  'approve-decline': '.approval .decline',
  'approve-words': '.approval vscode-button.words',
  'approve-cancel': '.approval .cancel',
  'approve-save': '.approval .save',
  'rule-field': '.approval treadle-rule input',
  'rule-problem': '.approval .problem',
  instead: '.approval .instead',
  outcome: '.outcome',
  question: 'treadle-question .ask',
  form: 'treadle-form .ask',
  plan: '.plan',
  review: '.review',
  'error-card': '.failure',
  'set-key': '.failure vscode-button[data-testid=set-key]',
  retry: '.failure vscode-button:has-text("Retry")',
  restricted: 'header .chip:has(.codicon-workspace-untrusted)',
  folders: 'header [data-testid=folders]',
  unsent: '.unsent',
  resend: '.unsent .resend',
  'take-back': '.unsent .take-back',
  banner: '.banner',
  message: '.acted-on',
  'restore-card': '.restore-card',
  restored: '.restored',
  editing: '.editing-earlier',
  elsewhere: '.elsewhere',
  meter: 'header .meter',
  context: '.context',
  instructions: 'header :is(.chip, .chip-menu):has(.codicon-book)',
};
const id = (name) => PARTS[name] ?? assert.fail(`the panel has no part named ${name}`);

/** The offer of a scope, in an approval that was unfolded. */
const offer = (scope) => `.approval .offer.${scope} input[type=radio]`;

export class Panel {
  /** By the item in the status bar, which is there as soon as the extension is. */
  static async open(page) {
    await workbench.statusItem(page, 'Treadle').first().click({ timeout: 60_000 });
    const frame = await workbench.webview(page, id('chat-input'));
    const panel = new Panel(page, frame);
    // It takes the keyboard when it is drawn, and its box when the host has heard of that: what is opened before, such as a list of
    // files or the search, goes again or loses the keyboard to it.
    await panel.keyboardIn('chat-input');
    return panel;
  }

  /** After the panel was hidden, its page is another one. */
  async again() {
    return new Panel(this.page, await workbench.webview(this.page, id('chat-input')));
  }

  constructor(page, frame) {
    this.page = page;
    this.frame = frame;
  }

  at(name) { return this.frame.locator(id(name)); }
  /** Unfolds "Allow…" and chooses how long. */
  async lasting(scope) {
    await this.at('approve-lasting').click();
    await this.frame.locator(offer(scope)).click();
  }

  get input() { return this.at('chat-input'); }

  /** True when the first `name` can be seen whole without scrolling. */
  inView(name) {
    return this.at(name).first().evaluate((element) => new Promise((seen) => {
      new IntersectionObserver(([entry], watcher) => { watcher.disconnect(); seen(entry.intersectionRatio > 0.99); }).observe(element);
    }));
  }

  /** True when the keyboard is in a `name`: in the panel, and there in it. */
  async focusedIn(name) {
    if ((await workbench.focused(this.page)) !== 'frame') return false;
    return this.frame.locator('body').evaluate((_, selector) => (document.activeElement?.closest(selector) ?? null) !== null, id(name));
  }

  /** Waits until the keyboard is in a `name`. */
  keyboardIn(name) {
    return eventually(() => this.focusedIn(name), Boolean, `the keyboard in ${name}`);
  }

  /** Waits until no turn runs. */
  idle(timeout) {
    return eventually(() => this.at('stop').count(), (count) => count === 0, 'the stop button after the turn', timeout);
  }

  /** Waits for these words of the model, and for the end of their turn: the words are there before it. */
  async answered(words) {
    await this.at('message-agent').getByText(words).waitFor();
    await this.idle();
  }

  focusedText() {
    return this.frame.locator('body').evaluate(() => document.activeElement?.textContent ?? '');
  }

  /** What stands in the composer. */
  words() {
    return this.input.evaluate((area) => area.value ?? area.textContent);
  }

  async type(text) {
    await this.input.click();
    await this.page.keyboard.type(text);
  }

  async send(text) {
    await this.type(text);
    await this.page.keyboard.press('Enter');
  }

  /** Records every length that the text of `name` passes through, from inside the frame: looking from outside misses steps. */
  async watch(name) {
    await this.frame.locator('body').evaluate((body, selector) => {
      const lengths = [];
      const look = () => {
        const length = [...document.querySelectorAll(selector)].reduce((sum, node) => sum + node.textContent.length, 0);
        if (length !== lengths.at(-1)) lengths.push(length);
      };
      look();
      globalThis.treadleSeen = { ...globalThis.treadleSeen, [selector]: lengths };
      new MutationObserver(look).observe(body, { childList: true, characterData: true, subtree: true });
    }, id(name));
  }

  watched(name) {
    return this.frame.locator('body').evaluate((_, selector) => globalThis.treadleSeen?.[selector] ?? [], id(name));
  }
}

export const DARK = 'Dark Modern';
export const LIGHT = 'Light Modern';
export const CONTRAST = 'Default High Contrast';
const THEMES = [['dark', DARK, 'vs-dark'], ['light', LIGHT, 'vs'], ['contrast', CONTRAST, 'hc-black']];

/**
 * Screenshots of one test, numbered in the order they were taken: `shot(what)`, and `shot.themes(what)` in a dark, a light and a
 * high-contrast theme, after which the test's own theme is back. What axe-core finds in our pages on the way is in `shot.faults`.
 */
export const camera = (page, name, place, own = DARK) => {
  let number = 0;
  mkdirSync(SHOTS, { recursive: true });
  const take = (what) => page.screenshot({ path: join(SHOTS, `${name}-${String(number).padStart(2, '0')}-${what}.png`) });
  const shot = async (what) => {
    number += 1;
    await take(what);
  };
  /** Pages of VS Code's own that are hidden, such as a picture of the walkthrough, learn of no theme. */
  const ours = async () => {
    const frames = page.frames();
    const counts = await Promise.all(frames.map((frame) => frame.locator('treadle-panel, treadle-permissions').count().catch(() => 0)));
    return frames.filter((_, index) => counts[index]);
  };
  const put = async (theme) => {
    setTheme(place, theme);
    const [, , mark] = THEMES.find(([, known]) => known === theme);
    await page.locator(`.monaco-workbench.${mark}`).waitFor();
    const webviews = { vs: 'vscode-light', 'vs-dark': 'vscode-dark', 'hc-black': 'vscode-high-contrast' };
    for (const frame of await ours()) {
      await frame.locator(`body.${webviews[mark]}`).waitFor({ state: 'attached' }).catch((error) => { if (!frame.isDetached()) throw error; }); // it may go away meanwhile
    }
  };
  shot.faults = [];
  const judge = async (where) => {
    for (const frame of await ours()) {
      shot.faults.push(...(await faults(frame)).map((fault) => `${where}: ${fault}`));
    }
  };
  shot.themes = async (what) => {
    number += 1;
    for (const [word, theme] of THEMES) {
      await put(theme);
      await take(`${what}-${word}`);
      await judge(`${what}, ${word}`);
    }
    await put(own);
    setTheme(place, null);
  };
  return shot;
};

/** Asks until `get` gives what `good` accepts; the assertion says what it was at the end. What cannot be asked yet is asked again. */
export const eventually = async (get, good, what, timeout = 60_000) => {
  let value;
  let failure;
  for (const end = Date.now() + timeout; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
    try {
      value = await get();
      failure = undefined;
    } catch (error) {
      failure = error; // such as two editors where there will be one
      continue;
    }
    if (good(value)) return value;
  }
  assert.fail(`${what}: ${failure ? failure.message : JSON.stringify(value)}`);
};
