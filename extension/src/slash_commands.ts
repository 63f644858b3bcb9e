/** The commands of the composer, by name: what each does, in words, and by what. All are local, but those that say so. Pure. */

export interface SlashCommand {
  name: string;
  icon: string;
  words: string;
  /** What follows the name, for the reader; the command works without it, or asks. */
  takes?: string;
  /** The command of VS Code that does it. */
  runs?: string;
  /** A picker under the box that it opens. */
  picks?: "model" | "effort" | "mode" | "approvals" | "sandbox";
  /** Typed into the box instead, for the user to go on with or to send. */
  types?: string;
  /** It works on the thread that is open. */
  thread?: boolean;
}

const initWords =
  "Look at this project and write an AGENTS.md in its root folder for coding agents: how it is built and tested, how it is laid out, " +
  "its conventions, and what one must know before changing it. Keep what an existing AGENTS.md says and is still true. Be short.";

const undoWords = "Go back to before your last message: shows what would change";

export const slashCommands: SlashCommand[] = [
  { name: "new", icon: "add", words: "Begin a new thread", runs: "treadle.newThread" },
  { name: "resume", icon: "history", words: "Go to another thread", runs: "treadle.resumeThread" },
  { name: "model", icon: "sparkle", words: "Choose the model", takes: "name", picks: "model" },
  { name: "effort", icon: "lightbulb", words: "Choose how long the model may think", takes: "effort", picks: "effort" },
  {
    name: "mode",
    icon: "edit",
    words: "Ask before edits, edit automatically, or read only",
    takes: "ask, auto or read",
    picks: "mode",
  },
  { name: "approvals", icon: "shield", words: "Choose when you are asked", takes: "on-request or never", picks: "approvals" },
  { name: "sandbox", icon: "lock", words: "Choose what commands may touch", takes: "policy", picks: "sandbox" },
  { name: "compact", icon: "fold", words: "Summarize the thread so far, to make room; asks the model", thread: true },
  {
    name: "review",
    icon: "checklist",
    words: "Review the changes that are not committed; asks the model",
    runs: "treadle.reviewChanges",
  },
  { name: "undo", icon: "discard", words: undoWords, thread: true },
  { name: "redo", icon: "redo", words: "Take the last going back again", runs: "treadle.redoRestore", thread: true },
  { name: "fork", icon: "repo-forked", words: "Go on in a copy of this thread", runs: "treadle.forkThread", thread: true },
  { name: "diff", icon: "diff-multiple", words: "Show what the agent changed", runs: "treadle.review.open" },
  { name: "status", icon: "pulse", words: "Say what is in force in this thread" },
  { name: "context", icon: "pie-chart", words: "Show what fills the context", runs: "treadle.showContext" },
  { name: "cost", icon: "graph", words: "Show what each request cost, and what the cache gave", runs: "treadle.showLedger" },
  {
    name: "prompt",
    icon: "inspect",
    words: "Show the prompt as the model reads it",
    runs: "treadle.inspectPrompt",
    thread: true,
  },
  { name: "mcp", icon: "plug", words: "Show the MCP servers", runs: "treadle.mcpServers" },
  { name: "permissions", icon: "law", words: "Show what you have allowed", runs: "treadle.managePermissions" },
  { name: "skills", icon: "book", words: "Choose a skill; or type $", types: "$" },
  { name: "mention", icon: "mention", words: "Mention a file or something else; or type @", types: "@" },
  { name: "init", icon: "new-file", words: "Put the words for writing an AGENTS.md into the box", types: initWords },
  { name: "export", icon: "export", words: "Write this thread to a file", runs: "treadle.exportThread", thread: true },
  { name: "rename", icon: "rename", words: "Give this thread a name", takes: "name", runs: "treadle.renameThread", thread: true },
  { name: "find", icon: "search", words: "Search in this thread", runs: "treadle.findInChat" },
  { name: "threads", icon: "comment-discussion", words: "Search in all threads", runs: "treadle.searchThreads" },
  {
    name: "continue",
    icon: "debug-continue",
    words: "Go on where the last turn was cut off",
    runs: "treadle.continueTurn",
    thread: true,
  },
  { name: "settings", icon: "settings-gear", words: "Open the settings", runs: "treadle.openSettings" },
  { name: "key", icon: "key", words: "Store an API key", runs: "treadle.setApiKey" },
  { name: "doctor", icon: "heart", words: "Check the set-up", runs: "treadle.doctor" },
  { name: "diagnostics", icon: "report", words: "Copy what a report of a fault needs", runs: "treadle.copyDiagnostics" },
  { name: "stop", icon: "debug-stop", words: "Stop the running turn", runs: "treadle.stop" },
  { name: "help", icon: "question", words: "Show these commands", types: "/" },
];

export function slashCommand(name: string): SlashCommand | undefined {
  return slashCommands.find((command) => command.name === name);
}

/** Those that begin so, then those that contain it. */
export function slashMatches(query: string): SlashCommand[] {
  const begin = slashCommands.filter(({ name }) => name.startsWith(query));
  return [...begin, ...slashCommands.filter((command) => command.name.includes(query) && !begin.includes(command))];
}
