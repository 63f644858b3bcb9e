// Starts a private code-server and a Chromium that looks at it, and takes both down again with everything they started.
// It must never use the profile of the person who runs it, nor let a request leave this machine: `outside` records each that tried.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { NODE24, CODE_SERVER, VSIX, EXTENSIONS, SHOTS, KEEP } = process.env;
const INSTALLED = '.installed';
const CHROMIUM = process.env.CHROMIUM ?? '/usr/lib/chromium/chromium'; // Debian's /usr/bin/chromium is a script that adds flags

const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden', // else an empty panel of VS Code's own chat is open
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'git.openRepositoryInParentFolders': 'never',
  'remote.autoForwardPorts': false, // else every port opened on the machine is announced over the page
  'window.restoreWindows': 'none',
  'editor.cursorBlinking': 'solid',
  'editor.minimap.enabled': false,
  'editor.accessibilitySupport': 'off',
  'diffEditor.renderSideBySide': true,
  'diffEditor.useInlineViewWhenSpaceIsLimited': false,
};

const freePort = () => new Promise((found, failed) => {
  const probe = createServer().on('error', failed);
  probe.listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => found(port)); });
});

const finished = (args, options) => new Promise((done, failed) => {
  const child = spawn(NODE24, [CODE_SERVER, ...args], options);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => { output += part; });
  child.on('exit', (code) => (code === 0 ? done(output) : failed(new Error(`code-server ${args.join(' ')} -> ${code}\n${output}`))));
});

/** A folder that holds everything of one run: profile, extensions, home, workspace. */
const lodge = (workspace, settings, machineSettings) => {
  const dir = mkdtempSync(join(tmpdir(), 'treadle-e2e-'));
  const place = { dir };
  for (const name of ['data', 'home', 'tmp']) mkdirSync((place[name] = join(dir, name)));
  place.ws = join(dir, 'basket');
  cpSync(workspace, place.ws, { recursive: true });
  const write = (folder, content) => {
    mkdirSync(join(place.data, folder));
    writeFileSync(join(place.data, folder, 'settings.json'), JSON.stringify(content, null, 1));
  };
  write('User', { ...SETTINGS, ...settings });
  write('Machine', machineSettings); // a remote window reads settings of scope "machine" from here, not from User/
  writeFileSync(join(dir, 'config.yaml'), 'cert: false\n');
  return place;
};

const environment = (place, extra) => {
  const env = { ...process.env, HOME: place.home, TMPDIR: place.tmp, EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    XDG_CONFIG_HOME: join(place.home, '.config'), XDG_DATA_HOME: join(place.home, '.local', 'share'), XDG_CACHE_HOME: join(place.home, '.cache'),
    CODEX_HOME: join(place.home, '.codex'), TREADLE_HOME: join(place.home, '.treadle'), ...extra };
  for (const name of ['PORT', 'PASSWORD', 'VSCODE_IPC_HOOK_CLI', 'OPENAI_API_KEY', 'OPENAI_BASE_URL']) if (!(name in extra)) delete env[name];
  return env;
};

/** Installs the extension by the first scene for all that follow: what Python compiles at its first start stays, as it does on a machine. */
const install = async (config, env) => {
  const exts = ['--extensions-dir', EXTENSIONS];
  if (!existsSync(join(EXTENSIONS, INSTALLED))) {
    await finished([...config, ...exts, '--install-extension', VSIX], { env });
    writeFileSync(join(EXTENSIONS, INSTALLED), '');
  }
  return exts;
};

const serve = async (place, args, env, trust) => {
  const port = await freePort();
  const log = openSync(join(place.dir, 'server.log'), 'a');
  const child = spawn(NODE24, [CODE_SERVER, ...args, '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none', '--disable-telemetry',
    '--disable-update-check', ...(trust ? [] : ['--disable-workspace-trust']), '--disable-getting-started-override', '--ignore-last-opened'],
  { env, stdio: ['ignore', log, log], detached: true }); // a process group of its own: one signal ends all
  const endGroup = (signal) => { try { process.kill(-child.pid, signal); } catch { /* it is gone */ } };
  process.prependOnceListener('exit', () => endGroup('SIGKILL')); // before its folders go
  const origin = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + 60_000; ; await new Promise((done) => setTimeout(done, 100))) {
    if (child.exitCode !== null) throw new Error(`code-server ended: ${readFileSync(join(place.dir, 'server.log'))}`);
    if (Date.now() > end) throw new Error('code-server did not come up');
    if (await fetch(`${origin}/healthz`).then((answer) => answer.ok, () => false)) break;
  }
  const stop = () => new Promise((done) => {
    if (child.exitCode !== null) return done();
    const hard = setTimeout(() => endGroup('SIGKILL'), 5000);
    child.on('exit', () => { clearTimeout(hard); endGroup('SIGKILL'); done(); });
    endGroup('SIGTERM');
  });
  return { origin, stop };
};

const browse = async (env, viewport) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, env,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'] });
  const context = await browser.newContext({ viewport, permissions: ['clipboard-read', 'clipboard-write'] });
  context.setDefaultTimeout(60_000); // for a slow machine: a test that passes waits for none of it
  const page = await context.newPage();
  const outside = new Set();
  const consoleLines = [];
  const foreign = (request) => {
    const { protocol, hostname } = new URL(request.url());
    return /^(https?|wss?):$/.test(protocol) && hostname !== '127.0.0.1';
  };
  // a webview's own resources have a made-up host that VS Code's service worker answers
  context.on('response', (answer) => { if (foreign(answer) && !answer.fromServiceWorker()) outside.add(answer.url()); });
  context.on('requestfailed', (request) => { if (foreign(request)) outside.add(request.url()); });
  page.on('console', (message) => consoleLines.push(`[${message.type()}] ${message.text()}`));
  page.on('pageerror', (error) => consoleLines.push(`[pageerror] ${error.message}`));
  return { browser, page, outside, consoleLines };
};

const machine = ({ data }) => join(data, 'Machine', 'settings.json');

/** Changes settings of the machine while VS Code runs, as a person would in the settings editor. */
export const setMachine = (place, settings) => {
  const before = readFileSync(machine(place), 'utf8');
  // over what is there, in one piece: VS Code may read at any moment, and an empty file is one without settings
  writeFileSync(machine(place), JSON.stringify(settings, null, 1).padEnd(before.length), { flag: 'r+' });
};

/** The machine's settings outrank the user's, so this is the theme from now on; null: the user's again. */
export const setTheme = (place, theme) => {
  const { 'workbench.colorTheme': _old, ...others } = JSON.parse(readFileSync(machine(place), 'utf8'));
  setMachine(place, theme ? { ...others, 'workbench.colorTheme': theme } : others);
};

const commitAll = (folder, env) => {
  const git = (...args) => execFileSync('git', ['-C', folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], { env });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'The sample project');
};

/** What a window is opened on: the folder, or a workspace of it and of further folders, which are made beside it. */
const opened = (place, folders) => {
  if (!folders.length) return { folder: place.ws };
  const all = ['basket', ...folders];
  for (const name of folders) mkdirSync(join(place.dir, name));
  const workspace = join(place.dir, 'several.code-workspace');
  writeFileSync(workspace, JSON.stringify({ folders: all.map((path) => ({ path })) }));
  return { workspace };
};

/** For a window that asks whether its folder is trusted, but not with a dialog at the start. */
const ASKING = { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never' };

/** VS Code with the packaged extension, opened on a copy of `workspace`. `trust`: nothing is trusted until a person says so. */
export const start = async ({ workspace, settings = {}, machineSettings = {}, env = {}, files = {}, repository = false, trust = false, folders = [], viewport = { width: 1400, height: 900 } }) => {
  const place = lodge(workspace, { ...(trust ? ASKING : {}), ...settings }, machineSettings);
  const stops = [() => { if (!KEEP) rmSync(place.dir, { recursive: true, force: true }); }];
  const stop = async () => { for (const end of stops.splice(0).reverse()) await end(); };
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(place.home, name, '..'), { recursive: true });
      writeFileSync(join(place.home, name), content);
    }
    const childEnv = environment(place, env);
    if (repository) commitAll(place.ws, childEnv);
    const config = ['--config', join(place.dir, 'config.yaml'), '--user-data-dir', place.data];
    const server = await serve(place, [...config, ...(await install(config, childEnv))], childEnv, trust);
    stops.push(server.stop);
    const seen = await browse(childEnv, viewport);
    stops.push(() => seen.browser.close());
    const url = `${server.origin}/?${new URLSearchParams(opened(place, folders))}`;
    return { ...place, ...seen, url, stop, keepLogs: (name) => keepLogs(place, seen.consoleLines, name) };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** For reading a red run: what the server, the extension host and the page logged. */
const keepLogs = (place, consoleLines, name) => {
  const target = join(SHOTS, `logs-${name}`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  cpSync(join(place.dir, 'server.log'), join(target, 'server.log'));
  cpSync(join(place.data, 'logs'), join(target, 'vscode'), { recursive: true });
  writeFileSync(join(target, 'console.log'), consoleLines.join('\n'));
};
