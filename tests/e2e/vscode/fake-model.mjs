// A scripted Responses API on loopback: one reply of the script per request, streamed as paced server-sent events.
// It records every request and every break of the rule that a request extends the one before; it must never answer off the script.
import { createServer } from 'node:http';

const chunks = (text, size) => text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const rest = (pace) => (typeof pace === 'function' ? pace() : pause(pace));

/** Shorthands for the steps of a script. Each reply is a list of them. `pace`: milliseconds after each piece, or what is awaited after it. */
export const say = (text, { pace = 15, size = 6 } = {}) => ({ kind: 'message', text, pace, size });
export const think = (text) => ({ kind: 'reasoning', text });
export const call = (name, given) => ({ kind: 'function', name, arguments: JSON.stringify(given) });
export const run = (cmd, more = {}) => call('exec_command', { cmd, ...more });
export const patch = (text) => ({ kind: 'custom', name: 'apply_patch', input: text });
/** A step that is not begun before `promise` is kept. */
export const after = (promise, step) => ({ ...step, after: promise });
/** A reply that is given again and again, until a request has these words: that one gets the reply after it. */
export const until = (words, ...steps) => Object.assign(steps, { until: words });
/** Streams words for ever, until the client goes away. */
export const ramble = (word = 'and so on ') => ({ kind: 'ramble', word });

/** Says why `next` does not extend `previous`, or null. */
export const brokenPrefix = (previous, next) => {
  for (const field of ['model', 'instructions', 'tools']) {
    if (JSON.stringify(previous[field]) !== JSON.stringify(next[field])) return `${field} moved`;
  }
  const before = JSON.stringify(previous.input).slice(0, -1);
  return JSON.stringify(next.input).startsWith(before) ? null : 'input does not extend the input before';
};

class Stream {
  constructor(response) {
    this.response = response;
    this.number = 0;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  }
  get gone() { return this.response.destroyed; }
  send(type, fields) {
    if (!this.gone) this.response.write(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.number++, ...fields })}\n\n`);
  }
}

const items = {
  async message(stream, step, index, id) {
    const empty = { type: 'message', id, role: 'assistant', status: 'in_progress', content: [] };
    stream.send('response.output_item.added', { output_index: index, item: empty });
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] };
    stream.send('response.content_part.added', { item_id: id, output_index: index, content_index: 0, part });
    for (const delta of chunks(step.text, step.size)) {
      stream.send('response.output_text.delta', { item_id: id, output_index: index, content_index: 0, delta });
      await rest(step.pace);
    }
    const content = [{ ...part, text: step.text }];
    return { ...empty, status: 'completed', content };
  },
  async reasoning(stream, step, index, id) {
    const at = { item_id: id, output_index: index, summary_index: 0 };
    stream.send('response.output_item.added', { output_index: index, item: { type: 'reasoning', id, summary: [] } });
    stream.send('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } });
    for (const delta of chunks(step.text, 8)) {
      stream.send('response.reasoning_summary_text.delta', { ...at, delta });
      await pause(10);
    }
    return { type: 'reasoning', id, summary: [{ type: 'summary_text', text: step.text }], encrypted_content: 'c2NyaXB0ZWQ=' };
  },
  async function(stream, step, index, id) {
    const item = { type: 'function_call', id, call_id: `call_${id}`, name: step.name, arguments: step.arguments, status: 'completed' };
    stream.send('response.output_item.added', { output_index: index, item: { ...item, arguments: '', status: 'in_progress' } });
    return item;
  },
  async custom(stream, step, index, id) {
    const item = { type: 'custom_tool_call', id, call_id: `call_${id}`, name: step.name, input: step.input, status: 'completed' };
    stream.send('response.output_item.added', { output_index: index, item: { ...item, input: '', status: 'in_progress' } });
    for (const delta of chunks(step.input, 24)) {
      stream.send('response.custom_tool_call_input.delta', { item_id: id, output_index: index, delta });
      await pause(5);
    }
    return item;
  },
  async ramble(stream, step, index, id) {
    stream.send('response.output_item.added', { output_index: index, item: { type: 'message', id, role: 'assistant', content: [] } });
    while (!stream.gone) {
      stream.send('response.output_text.delta', { item_id: id, output_index: index, content_index: 0, delta: step.word });
      await pause(30);
    }
  },
};

const reply = async (stream, steps, number) => {
  const id = `resp_${number}`;
  stream.send('response.created', { response: { id, object: 'response', status: 'in_progress', output: [] } });
  const output = [];
  for (const [index, step] of steps.entries()) {
    await step.after;
    const item = await items[step.kind](stream, step, index, `item_${number}_${index}`);
    if (!item || stream.gone) return;
    stream.send('response.output_item.done', { output_index: index, item });
    output.push(item);
  }
  const told = steps.findLast((step) => step.usage)?.usage; // [tokens in, of them from the cache]
  const usage = told ? { input_tokens: told[0], input_tokens_details: { cached_tokens: told[1] }, output_tokens: 40,
    output_tokens_details: { reasoning_tokens: 0 }, total_tokens: told[0] + 40 } : { input_tokens: 1200 + 150 * number, input_tokens_details: { cached_tokens: number ? 1100 + 150 * number : 0 },
    output_tokens: 40, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 1240 + 150 * number };
  stream.send('response.completed', { response: { id, object: 'response', status: 'completed', output, usage } });
  stream.response.end();
};

const read = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};

/** Starts the server; `script` is a list of replies, each a list of steps. */
export const startModel = async (script) => {
  const model = { requests: [], authorizations: [], faults: [], hangUps: 0, script: [...script] };
  let at = 0; // in the script
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST' || !request.url.startsWith('/v1/responses')) return response.writeHead(404).end('{}');
    const body = JSON.parse(await read(request));
    const number = model.requests.length;
    // what belongs to no thread and has no tools, such as the words of a commit, goes on from nothing
    const alone = body.prompt_cache_key === undefined && !body.tools?.length;
    const earlier = alone ? undefined : model.requests.findLast((other) => other.prompt_cache_key === body.prompt_cache_key);
    const broken = earlier && brokenPrefix(earlier, body);
    if (broken) model.faults.push(`request ${number}: ${broken}`);
    model.requests.push(body);
    model.authorizations.push(request.headers.authorization);
    if (model.script[at]?.until && JSON.stringify(body.input).includes(model.script[at].until)) at += 1;
    const steps = model.script[at];
    if (!steps?.until) at += 1;
    if (!steps) {
      model.faults.push(`request ${number}: the script has only ${model.script.length} replies`);
      return response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"the script is over"}}');
    }
    let finished = false;
    response.on('close', () => { if (!finished) model.hangUps += 1; });
    await reply(new Stream(response), steps, number);
    finished = true;
  });
  await new Promise((up) => server.listen(0, '127.0.0.1', up));
  model.url = `http://127.0.0.1:${server.address().port}/v1`;
  model.stop = () => new Promise((down) => { server.close(down); server.closeAllConnections(); });
  return model;
};
