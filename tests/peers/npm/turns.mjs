// Runs turns with @openai/codex-sdk as its users do, and prints what they saw. The one argument: JSON, see test_typescript_sdk.py.
// It must never know anything of Treadle: the path of the program is all that it is given.
import { Codex } from "@openai/codex-sdk";

const { codex: options, thread: threadOptions, turns, resume } = JSON.parse(process.argv[2]);
const codex = new Codex(options);
const thread = resume ? codex.resumeThread(resume, threadOptions) : codex.startThread(threadOptions);
const seen = [];
for (const { input, abortAt, ...turnOptions } of turns) {
  const abort = new AbortController();
  const events = [];
  let error = null;
  try {
    const streamed = await thread.runStreamed(input, { ...turnOptions, signal: abort.signal });
    for await (const event of streamed.events) {
      events.push(event);
      if (event.type === abortAt) abort.abort();
    }
  } catch (problem) {
    error = String(problem);
  }
  seen.push({ id: thread.id, events, error });
}
process.stdout.write(JSON.stringify(seen));
