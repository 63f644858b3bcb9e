// An MCP server of a tracker that does not exist, over stdio: one tool that may destroy, one that asks the user, one that sends them to a page.
// It must never do anything but answer: what it was told is its result, so that a test can read it there. Given a folder, it is what files
// there say: silent until `go` is there, unwilling to start while `broken` is. Its process is told in `pids`.
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tool = (name, description, annotations) => ({ name, description, annotations, inputSchema: { type: 'object', properties: { issue: { type: 'integer' } } } });
const readOnly = { readOnlyHint: true };
const tools = [
  tool('close_issue', 'Closes an issue.', { destructiveHint: true }),
  tool('report', 'Asks the user what to report.', readOnly),
  tool('sign_in', 'Lets the user sign in.', readOnly),
];
const form = {
  type: 'object',
  required: ['title', 'severity'],
  properties: {
    title: { type: 'string', title: 'Title', description: 'One line that says what is wrong', minLength: 3 },
    severity: { type: 'string', title: 'Severity', oneOf: [{ const: 'low', title: 'It can wait' }, { const: 'high', title: 'It hurts' }] },
    votes: { type: 'integer', title: 'Votes', minimum: 0, maximum: 9, default: 1 },
    labels: { type: 'array', title: 'Labels', items: { type: 'string', enum: ['bug', 'docs'] }, default: ['bug'] },
    notify: { type: 'boolean', title: 'Tell me when it is mended' },
  },
};
const questions = {
  report: { message: 'What shall be reported?', requestedSchema: form },
  sign_in: { mode: 'url', message: 'Sign in to the tracker.', url: 'https://login.tracker.example.com/oauth?client_id=treadle&state=4412', elicitationId: 'e1' },
};

const folder = process.argv[2];
const there = (name) => !folder || existsSync(join(folder, name));
if (folder && there('broken')) {
  console.error('tracker: no license found');
  process.exit(3);
}
if (folder) {
  appendFileSync(join(folder, 'pids'), `${process.pid}\n`);
  console.error('tracker: up');
}
const allowed = async () => { while (!there('go')) await new Promise((done) => setTimeout(done, 30)); };

const waiting = new Map();
const answers = {
  initialize: async ({ protocolVersion }) => (await allowed(), { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'tracker', version: '1' } }),
  'tools/list': () => ({ tools }),
  ping: () => ({}),
  'tools/call': async ({ name, arguments: given }) => {
    const asked = questions[name];
    const told = asked ? await new Promise((answered) => {
      waiting.set(`ask-${name}`, answered);
      say({ id: `ask-${name}`, method: 'elicitation/create', params: asked });
    }) : given;
    return { content: [{ type: 'text', text: JSON.stringify(told) }] };
  },
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === undefined) return waiting.get(id)?.(result ?? error);
  if (id === undefined) return;
  const answer = answers[method];
  say(answer ? { id, result: await answer(params ?? {}) } : { id, error: { code: -32601, message: 'no such method' } });
});
