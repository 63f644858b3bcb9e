// Holds a conversation with an agent by the official SDK of the Agent Client Protocol, as its users do, and prints what it saw.
// The one argument: JSON, see test_acp_typescript.py. It must never know anything of Treadle: it starts what it is told to start.
import { spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import * as acp from "@agentclientprotocol/sdk";

const { command, environment, capabilities, choose, files, steps } = JSON.parse(process.argv[2]);
const agent = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"], env: environment });
const seen = { lines: [], updates: [], asked: [], written: [], results: [] };
let rest = "";
const recorded = new TransformStream({
  transform(chunk, controller) {
    const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
    rest = lines.pop();
    seen.lines.push(...lines);
    controller.enqueue(chunk);
  },
});
const input = Readable.toWeb(agent.stdout).pipeThrough(recorded);
const waiting = [];

const client = acp
  .client({ name: "tests" })
  .onRequest(acp.methods.client.session.requestPermission, ({ params }) => {
    seen.asked.push(params);
    const option = params.options.find((offered) => offered.kind === choose);
    return { outcome: option ? { outcome: "selected", optionId: option.optionId } : { outcome: "cancelled" } };
  })
  .onRequest(acp.methods.client.fs.readTextFile, ({ params }) => {
    if (!(params.path in files)) throw acp.RequestError.resourceNotFound(params.path);
    return { content: files[params.path] };
  })
  .onRequest(acp.methods.client.fs.writeTextFile, ({ params }) => {
    seen.written.push(params);
    files[params.path] = params.content;
    return {};
  })
  .onNotification(acp.methods.client.session.update, ({ params }) => {
    seen.updates.push(params);
    for (const look of [...waiting]) look(params.update);
  });

const until = (kind) =>
  new Promise((resolve) => {
    const look = (update) => {
      if (update.sessionUpdate !== kind) return;
      waiting.splice(waiting.indexOf(look), 1);
      resolve();
    };
    waiting.push(look);
  });

await client.connectWith(acp.ndJsonStream(Writable.toWeb(agent.stdin), input), async (ctx) => {
  let sessionId;
  for (const { method, params = {}, cancelAt, abortAt } of steps) {
    const asked = method === "initialize" || method === "session/list" ? params : { sessionId, ...params };
    if (method === "session/new") delete asked.sessionId;
    const abort = new AbortController();
    if (cancelAt) until(cancelAt).then(() => ctx.notify(acp.methods.agent.session.cancel, { sessionId }));
    if (abortAt) until(abortAt).then(() => abort.abort());
    try {
      const result = await ctx.request(method, asked, { cancellationSignal: abort.signal });
      sessionId = result?.sessionId ?? asked.sessionId ?? sessionId;
      seen.results.push(result);
    } catch (error) {
      seen.results.push({ error: { code: error.code, message: error.message } });
    }
  }
});
agent.stdin.end();
const [code] = await new Promise((resolve) => agent.once("close", (...ended) => resolve(ended)));
process.stdout.write(JSON.stringify({ ...seen, code }));
