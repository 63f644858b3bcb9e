// Questions in a real VS Code that are not about commands: of the model, of an MCP server, before a call of its tools; and the plan beside them.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { config, CONTRAST, scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const lastOutput = (model) => JSON.stringify(model.requests.at(-1).input.findLast((item) => item.type === 'function_call_output')?.output);

const plan = (...states) => call('update_plan', { plan: ['Find what fails', 'Mend it', 'Run the checks again'].map((step, index) => ({ step, status: states[index] })) });
const ask = call('request_user_input', { questions: [
  { id: 'count', header: 'Counting', question: 'How should `total` count a product that is in the basket twice?', options: [
    { label: 'Each time (Recommended)', description: 'As a shop would.' }, { label: 'Once', description: 'As it does now.' }] },
  { id: 'coin', header: 'Currency', question: 'Which currency is it?' },
] });
const script = [[plan('in_progress', 'pending', 'pending'), ask], [plan('completed', 'completed', 'in_progress'), say('Cents of a euro, each time.')], [say('All mended.')]];

const answer = async ({ panel, page, shot, model }) => {
  await panel.send('Fix the failing check');
  const card = panel.at('question');
  await card.waitFor();
  await panel.at('plan').getByText('0/3').waitFor();
  const shown = await card.innerText();
  assert.match(shown, /How should `?total`? count a product/);
  assert.match(shown, /As a shop would\./);
  await shot('asks');
  await card.getByText('Each time (Recommended)').click();
  await card.locator('[data-part=coin]').click();
  await page.keyboard.type('euro');
  await shot.themes('filled');
  await page.keyboard.press('Enter');
  await panel.at('message-agent').getByText('Cents of a euro, each time.').waitFor();
  assert.match(lastOutput({ requests: [model.requests[1]] }), /Each time \(Recommended\).*euro/);
  await panel.at('outcome').getByText('Counting: Each time (Recommended) · Currency: euro').waitFor();
  await panel.answered('All mended.');
  await panel.at('plan').getByText('2/3').waitFor();
  await panel.at('plan').locator('summary').click();
  await panel.at('plan').getByText('Run the checks again').last().waitFor();
  await shot.themes('answered');
};

test('the model asks, the user chooses and writes, the plan moves on', scene('question', { script, width: 300 }, answer));

const MCP = join(dirname(fileURLToPath(import.meta.url)), 'fake-mcp.mjs');
const providers = (url) => `${config(url)}\n[mcp_servers.tracker]\ncommand = "${process.env.NODE24}"\nargs = ["${MCP}"]\n`;
const tracker = (name, given = {}) => call(`mcp__tracker__${name}`, given);
// A thread keeps the list of tools that it began with: the server is heard in the first, and used in the second.
const heard = [say('The tracker is there.')];
const meet = async ({ panel, page, model }) => {
  await panel.send('Is the tracker there?');
  await panel.answered('The tracker is there.'); // a thread whose turn runs is not left without a question
  const known = () => JSON.stringify(model.requests[0].tools).includes('close_issue');
  const told = () => panel.at('banner').getByText('3 arrived late').count(); // after the answer
  await eventually(async () => known() || (await told()), Boolean, 'the tools of the tracker');
  await workbench.command(page, 'Treadle: New Thread');
  await eventually(() => panel.at('message-agent').count(), (count) => count === 0, 'messages of the new thread');
};

const tools = [
  heard,
  [tracker('close_issue', { issue: 4412 })],
  [tracker('close_issue', { issue: 7 })],
  [say('Both are closed.')],
];

test('a tool that may destroy asks with its arguments, and a yes for the thread is remembered', scene('mcp', { script: tools, providers }, async (parts) => {
  const { panel, shot, model } = parts;
  await meet(parts);
  await panel.send('Close 4412 and 7');
  const card = panel.at('approval').first();
  await card.getByText('Call this tool?').waitFor();
  const shown = await card.innerText();
  for (const part of ['"issue": 4412', 'tracker', 'close_issue', 'Runs in the server, outside the sandbox.']) assert.ok(shown.includes(part), `${part} in ${shown}`);
  await panel.lasting('thread');
  await shot('asks');
  await panel.at('approve-save').click();
  await panel.at('outcome').getByText('Allowed in this thread: tracker/close_issue').waitFor();
  await panel.answered('Both are closed.');
  assert.match(lastOutput(model), /\\"issue\\":\s*7/);
  await shot('done');
}));

const forms = [
  heard,
  [tracker('report')],
  [tracker('sign_in')],
  [say('Reported.')],
];

test('an MCP server asks by a form and by an address', scene('elicitation', { script: forms, providers, theme: CONTRAST }, async (parts) => {
  const { panel, shot, model } = parts;
  await meet(parts);
  await panel.send('Report it');
  const form = panel.at('form');
  await form.getByText('What shall be reported?').waitFor();
  await shot('form');
  await form.getByRole('textbox', { name: 'Title' }).fill('It');
  await form.locator('.accept').click();
  await form.getByText('Write at least 3 characters.').waitFor();
  await form.getByText('Choose one.').waitFor();
  await shot('refused');
  await form.getByRole('textbox', { name: 'Title' }).fill('The total is wrong');
  await form.getByRole('combobox', { name: 'Severity' }).selectOption('high');
  await form.getByRole('textbox', { name: 'Votes' }).fill('3');
  await form.getByText('docs').click();
  await form.locator('.accept').click();
  await panel.at('outcome').getByText('Sent to tracker').waitFor();
  const link = panel.frame.locator('treadle-link .ask');
  await link.getByText('https://login.tracker.example.com/oauth?client_id=treadle&state=4412').waitFor();
  const told = JSON.parse(JSON.parse(lastOutput(model)).match(/\{"action".*\}/)[0]);
  assert.deepEqual(told.content, { title: 'The total is wrong', severity: 'high', votes: 3, labels: ['bug', 'docs'], notify: false });
  await shot('address');
  await link.locator('.decline').click();
  await panel.answered('Reported.');
  assert.match(lastOutput(model), /decline/);
}));
