// Words for what a person does in VS Code, over its own page. Selectors of VS Code's DOM live here and nowhere else.
export const ready = async (page) => {
  await page.locator('.monaco-workbench .part.editor').waitFor({ timeout: 60_000 });
  await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
};

/** Acts until it succeeds, as a person does when something else came in between: `act` fails soon, and begins anew each time. */
export const again = async (act, timeout = 60_000) => {
  const end = Date.now() + timeout;
  for (let tries = 0; ; tries += 1) {
    try {
      return await act(tries);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
};

/** Closes the list that is left from a try before. The key is for the list alone: in the panel, Escape stops a turn. */
const leaveList = async (page) => {
  const box = page.locator('.quick-input-widget input').first();
  if (await box.isVisible()) await box.press('Escape', { timeout: 1000 });
};

/**
 * Runs a command from the palette. A palette that opened before an extension was there does not learn of it: ask anew. And when a window
 * without editors is restored, VS Code at last gives the keyboard to its secondary side bar, and the palette goes.
 */
export const command = (page, title) => again(async (tries) => {
  const box = page.locator('.quick-input-widget input').first();
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
  if (tries) await leaveList(page);
  await page.keyboard.press('F1');
  await box.waitFor({ state: 'visible', timeout: 5000 });
  await box.fill(`>${title}`, { timeout: 5000 });
  await row.waitFor({ timeout: 5000 });
  await row.click({ timeout: 5000 });
});

const exactly = (text) => new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);

/** Opens a file by its name. The list goes when something else takes the keyboard: ask anew. */
export const openFile = (page, name) => again(async (tries) => {
  const box = page.locator('.quick-input-widget input').first();
  const label = page.locator('.label-name', { hasText: exactly(name) }); // another file may end with this name
  const row = page.locator('.quick-input-list .monaco-list-row', { has: label }).first();
  if (tries) await leaveList(page);
  await page.keyboard.press('Control+p');
  await box.waitFor({ state: 'visible', timeout: 5000 });
  await box.fill(name, { timeout: 5000 });
  await row.click({ timeout: 5000 });
  await inEditor(page, name, 10_000);
});

/** Waits until the keyboard is in the editor of a file: it takes it when it is drawn, which is after its tab is there. */
export const inEditor = (page, name, timeout) => page.locator(`.editor-group-container.active .monaco-editor.focused[data-uri$="/${name}"]`).waitFor({ timeout });
/** Waits until the keyboard is in the diff that is in front. */
export const inDiff = (page) => page.locator('.editor-group-container.active .monaco-diff-editor .monaco-editor.focused').waitFor();

/** Chooses a row of the list that a command opened. */
export const choose = async (page, label) => {
  await page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
};

/** The tab of a file with unsaved changes. */
export const dirty = (page, name) => page.locator('.tab.active.dirty', { hasText: name });
export const tab = (page, name) => page.locator('.tab.active', { hasText: name });
export const editorText = (page) => page.locator('.editor-group-container.active .monaco-editor .view-lines');

/** Drags the edge of the secondary side bar, where the panel is, so that it is `width` wide; again when the edge moved away meanwhile. */
export const widen = async (page, width) => {
  const place = () => page.locator('.part.auxiliarybar').boundingBox();
  for (let tries = 0, bar = await place(); Math.abs(bar.width - width) > 2; tries += 1, bar = await place()) {
    if (tries === 5) throw new Error(`the secondary side bar is ${bar.width} wide, not ${width}`);
    await page.mouse.move(bar.x - 1, bar.y + bar.height / 2); // the edge is in the gap beside the bar
    await page.mouse.down();
    await page.mouse.move(bar.x + bar.width - width - 1, bar.y + bar.height / 2, { steps: 5 });
    await page.mouse.up();
  }
};

/** Hides the side bar that Treadle's panel is in. */
export const hidePanel = async (page) => {
  await command(page, 'View: Hide Secondary Side Bar');
  await page.locator('.part.auxiliarybar').waitFor({ state: 'hidden' });
};

export const statusItem = (page, text) => page.locator('.statusbar-item', { hasText: text });
export const tabs = (page) => page.locator('.tabs-container .tab');
export const activeTab = (page) => page.locator('.editor-group-container.active .tab.active').first().getAttribute('data-resource-name');
export const diffEditor = (page) => page.locator('.monaco-diff-editor');
export const notifications = (page) => page.locator('.notification-toast');

/** The content frame of the webview that shows `marker`. VS Code nests two frames. */
export const webview = async (page, marker, timeout = 60_000) => {
  for (const end = Date.now() + timeout; Date.now() < end; await page.waitForTimeout(100)) {
    const outer = page.locator('iframe.webview.ready');
    for (let i = 0, count = await outer.count(); i < count; i++) {
      const inner = outer.nth(i).contentFrame().frameLocator('#active-frame');
      if (await inner.locator(marker).count().catch(() => 0)) return inner;
    }
  }
  throw new Error(`no webview shows ${marker}`);
};

/** What VS Code has stored of this workspace, a line for each key, some time after it was told: a window that is reloaded begins with this. */
export const stored = (page) => page.evaluate(async () => {
  const done = (request) => new Promise((good, bad) => {
    request.onsuccess = () => good(request.result);
    request.onerror = () => bad(request.error);
  });
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    if (!name?.startsWith('vscode-web-state-db')) continue;
    const base = await done(indexedDB.open(name));
    for (const name of base.objectStoreNames) {
      const store = base.transaction(name).objectStore(name);
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
      found.push(...keys.map((key, at) => `${key} ${values[at]}`));
    }
    base.close();
  }
  return found.join('\n');
});

/** What has the keyboard: "frame" for a webview, else the class of the element. */
export const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  return element?.tagName === 'IFRAME' ? 'frame' : `${element?.tagName}.${element?.className}`;
});

const LENS = '.editor-group-container.active .monaco-editor .codelens-decoration a';

/** Code lenses of the editor, from above, each as its title and the line below it. Lines that are out of view are not there. */
export const lenses = (page) => page.evaluate((selector) => {
  const top = (element) => element.getBoundingClientRect().top;
  const plain = (element) => element.textContent.replaceAll('\u00a0', ' ').trim().replace(/ +/g, ' ');
  const lines = [...document.querySelectorAll('.editor-group-container.active .monaco-editor .view-line')].toSorted((a, b) => top(a) - top(b));
  const found = [...document.querySelectorAll(selector)].filter((lens) => lens.offsetParent !== null);
  return found.map((lens) => [plain(lens), plain(lines.find((line) => top(line) > top(lens)) ?? lens), top(lens), lens.getBoundingClientRect().left])
    .toSorted((a, b) => a[2] - b[2] || a[3] - b[3]).map(([title, line]) => [title, line]);
}, LENS);

/** Clicks the lens with this title above the line that begins with these words: that one, though lenses may be drawn anew meanwhile. */
export const clickLens = (page, title, line) => {
  const find = ({ selector, title, line }) => {
    const top = (element) => element.getBoundingClientRect().top;
    const plain = (element) => element.textContent.replaceAll('\u00a0', ' ').trim().replace(/ +/g, ' ');
    const lines = [...document.querySelectorAll('.editor-group-container.active .monaco-editor .view-line')].toSorted((a, b) => top(a) - top(b));
    return [...document.querySelectorAll(selector)].filter((lens) => lens.offsetParent !== null && plain(lens) === title)
      .find((lens) => plain(lines.find((one) => top(one) > top(lens)) ?? lens).startsWith(line));
  };
  return again(async () => {
    const found = (await page.evaluateHandle(find, { selector: LENS, title, line })).asElement();
    if (!found) throw new Error(`no lens "${title}" above "${line}"`);
    await found.click({ timeout: 2000 });
  });
};

/** Lines of the active editor that an extension has marked, from above: each as its text. Lines out of view are not there. */
export const marked = (page) => page.evaluate(() => {
  const editor = document.querySelector('.editor-group-container.active .monaco-editor');
  const top = (element) => Math.round(element.getBoundingClientRect().top);
  const lines = new Map([...editor.querySelectorAll('.view-line')].map((line) => [top(line), line.textContent.replaceAll('\u00a0', ' ')]));
  const marks = [...editor.querySelectorAll('.view-overlays .cdr[class*="TextEditorDecorationType"]')];
  return [...new Set(marks.map(top))].toSorted((a, b) => a - b).map((at) => lines.get(at) ?? '?');
});

/** A line of the active editor, by the words that it has. */
export const line = (page, words) => page.locator('.editor-group-container.active .monaco-editor .view-line', { hasText: words }).first();
export const hover = (page) => page.locator('.monaco-hover:not(.hidden)').last();
/** Points at a line until the hover that it has is there and `act` is done in it: it goes by itself, too. */
export const onHover = (page, words, act) => again(async (tries) => {
  if (tries) await page.mouse.move(0, 0); // where it stays nothing is pointed at anew
  await line(page, words).hover({ position: { x: 120, y: 8 }, force: true, timeout: 5000 });
  await act(hover(page), 5000);
});
/** The path above the editor names the symbol at the cursor when the language server has told its symbols. */
export const symbolAtCursor = (page, name) => page.locator('.editor-group-container.active .monaco-breadcrumb-item', { hasText: name }).waitFor();
/**
 * A row of the light bulb's list for a line. The list goes when the panel, which was asked for before, takes the keyboard once more; one
 * that is left lies over the editor. From a try before the cursor stands where the click goes: it is no obstacle for a person.
 */
export const quickFix = (page, words, title) => again(async () => {
  const list = page.locator('.action-widget .monaco-list');
  const row = list.locator('.monaco-list-row', { hasText: title }).first();
  if (await list.isVisible()) await list.press('Escape', { timeout: 1000 });
  await line(page, words).click({ position: { x: 100, y: 12 }, force: true, timeout: 5000 });
  await page.keyboard.press('Control+.');
  await row.waitFor({ timeout: 5000 });
  return row;
});
export const peek = (page) => page.locator('.monaco-editor .zone-widget .peekview-widget');
export const multiDiff = (page) => page.locator('.editor-group-container.active .multiDiffEditor');
export const titleButton = (page, name) => page.locator('.editor-group-container.active .title .editor-actions .action-label').and(page.getByRole('button', { name })).first();
export const dialogButton = (page, name) => page.locator('.monaco-dialog-box').getByRole('button', { name, exact: true });

/** The tree of a view in the secondary side bar, unfolded. */
export const tree = async (page, name) => {
  const pane = page.locator('.part.auxiliarybar .pane', { has: page.locator('.pane-header', { hasText: name }) });
  const header = pane.locator('.pane-header');
  if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
  const body = pane.locator('.pane-body');
  await body.waitFor();
  return body;
};
export const row = (tree, name) => tree.locator('.monaco-list-row', { hasText: name }).first();

/** Clicks the button in a row that is shown while the mouse is there: rows move when the tree is read anew. */
export const inline = (row, title) => again(async () => {
  await row.hover({ timeout: 5000 });
  await row.locator(`.action-label[aria-label^="${title}"]`).click({ timeout: 5000 });
});

/** Chooses an entry of a menu until the menu goes: one that has just opened does not take clicks yet. */
const chosen = async (item) => {
  await item.waitFor();
  for (let tries = 0; tries < 20 && (await item.count()); tries += 1) {
    await item.click({ timeout: 2_000 }).catch(() => {});
    await item.waitFor({ state: 'detached', timeout: 500 }).catch(() => {});
  }
};

/** An entry of the menu that is open. */
export const menuEntry = (page, entry) => chosen(page.locator('.monaco-menu .action-item', { hasText: entry }).first());

/** An entry of the menu that the right mouse button opens. */
export const menuOf = async (page, at, entry) => {
  await at.click({ button: 'right' });
  await menuEntry(page, entry);
};

/** Writes into the list that has this hint: the palette that led to it may still be there. */
export const fillBox = async (page, hint, text) => {
  await page.locator(`.quick-input-widget input[placeholder="${hint}"]`).fill(text);
};

/** Answers the box at the top of the window: a name, or a path in the simple file dialog. */
export const answerBox = async (page, text) => {
  const box = page.locator('.quick-input-widget:not(.hidden) input').first();
  await box.waitFor({ state: 'visible' });
  await box.fill(text);
  await page.keyboard.press('Enter');
};

/** Says in the editor of workspace trust, which covers the window, that the workspace is trusted. */
export const trust = async (page) => {
  const editor = page.locator('.workspace-trust-editor');
  await editor.getByRole('button', { name: /^Trust/ }).first().click();
  await editor.getByText('You trust this folder').waitFor();
  await page.locator('.monaco-modal-editor-block .codicon-close').first().click();
  await editor.waitFor({ state: 'hidden' });
};

/** Marks of comments beside the lines of the active editor. */
export const commentMarks = (page) => page.locator('.editor-group-container.active .monaco-editor .comment-thread-unresolved');
/** The comment that has these words: the one that was open before may be there a moment longer. */
export const comment = (page, words) => page.locator('.editor-group-container.active .monaco-editor .review-widget', { hasText: words }).last();
export const commentAction = (page, words, name) => comment(page, words).locator(`.action-label[aria-label^="${name}"]`).first();

/** What the status bar says of the repository, as soon as VS Code has found it. */
export const repository = (page) => page.locator('.statusbar-item[id^="status.scm"]').first();

/** Errors that the status bar counts. */
export const problemCount = async (page) => {
  const label = await page.locator('.statusbar-item[id="status.problems"] a').getAttribute('aria-label').catch(() => '');
  return Number(/(\d+) Errors?|Errors: (\d+)|^(\d+)/.exec(label ?? '')?.slice(1).find(Boolean) ?? 0);
};

/** An entry of a menu within the menu that the right mouse button opens; `look` while it is open. */
export const subMenuOf = async (page, at, menu, look, entry) => {
  await at.click({ button: 'right' });
  await page.locator('.monaco-menu .action-item', { hasText: menu }).first().click();
  const wanted = page.locator('.monaco-submenu .action-item', { hasText: entry }).first();
  await wanted.waitFor();
  await look();
  await chosen(wanted);
};

export const showSourceControl = (page) => page.locator('.part.activitybar .action-label.codicon-source-control-view-icon').first().click();
export const commitBox = (page) => page.locator('.scm-view .scm-editor .monaco-editor').first();
export const commitWords = async (page) => (await commitBox(page).locator('.view-lines').innerText()).replaceAll('\u00a0', ' ').trim();
/** A button in the title of the Source Control view. */
export const scmButton = (page, name) => page.locator(`.part.sidebar .action-label[aria-label^="${name}"]`).first();
