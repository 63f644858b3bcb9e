/**
 * What the sidecar asks the user, as the panel draws it, and how an answer reads once it is given. A question says everything that
 * the user needs to decide; nothing here decides. Pure: no `vscode`, no DOM.
 */
import { type Field, fields } from "./forms";
import type { ItemView } from "./items";
import { headAndTail } from "./output";
import type {
  CommandApprovalParams,
  ElicitationParams,
  FileApprovalParams,
  GrantScope,
  ItemAnswer,
  Offer,
  QuestionParams,
} from "./wire";

export interface ApprovalView {
  id: string;
  kind: "command" | "fileChange" | "mcpTool" | "network";
  turnId: string;
  itemId: string;
  command?: string;
  /** The commands that a line is made of, when there are several. */
  parts?: string[];
  cwd?: string;
  /** Of an MCP tool: who offers it, which it is, and what it would be called with, as JSON. */
  server?: string;
  tool?: string;
  arguments?: string;
  /** Of a running command that wants to reach a host. */
  host?: string;
  protocol?: string;
  /** Why we ask, in our words. */
  reason?: string;
  /** Why the model wants it, in its words: never to be taken for ours. */
  quote?: string;
  /** What lies outside the sandbox, in words; undefined when the call stays inside. */
  outside?: string;
  /** Ways to say yes for longer than once, the narrowest first. */
  offers: Offer[];
}

export interface QuestionView {
  id: string;
  kind: "question";
  turnId: string;
  itemId: string;
  parts: QuestionParams["questions"];
}

export interface FormView {
  id: string;
  kind: "form";
  turnId: string | null;
  /** The call in whose middle the server asks, once it is known. */
  itemId: string | null;
  server: string;
  message: string;
  fields: Field[];
}

export interface LinkView {
  id: string;
  kind: "link";
  turnId: string | null;
  itemId: string | null;
  server: string;
  message: string;
  url: string;
}

export type Asked = ApprovalView | QuestionView | FormView | LinkView;

/** What the user said, as the webview hands it on. */
export interface Answer {
  verdict: "accept" | "decline" | "cancel";
  /** accept: for how long; left out, this once. decline of a host: `always` is never. */
  scope?: GrantScope;
  /** accept with a scope: the rule's text, where it is not the first one that was offered for the scope. */
  rule?: string;
  /** decline: what the model is told. */
  words?: string;
  /** accept of a question: by its id. */
  answers?: Record<string, string[]>;
  /** accept of a form: by the fields' names. */
  content?: Record<string, unknown>;
}

/** How a question ended: stays in the transcript. */
export interface Outcome {
  verdict: Answer["verdict"];
  text: string;
  /** Set in type as code after the text. */
  rule?: string;
  /** There is something now that can be looked up and revoked. */
  lasting?: boolean;
}

export function isApproval(asked: Asked): asked is ApprovalView {
  return asked.kind === "command" || asked.kind === "fileChange" || asked.kind === "mcpTool" || asked.kind === "network";
}

const everything = "Runs outside the sandbox: it can change any file that you can, and use the network.";

export function commandAsked(params: CommandApprovalParams, id: string): ApprovalView {
  const network = params.networkApprovalContext;
  const parts = (params.commandActions ?? []).map((action) => action.command);
  return {
    id,
    kind: network ? "network" : "command",
    turnId: params.turnId,
    itemId: params.itemId,
    command: params.command ?? undefined,
    parts: parts.length > 1 ? parts : undefined,
    cwd: params.cwd ?? undefined,
    host: network?.host,
    protocol: network?.protocol,
    ...reasons(params.reason, params.justification),
    // A sidecar that does not say is understood to mean: everything.
    outside: network || params.outsideSandbox === false ? undefined : everything,
    offers: params.offers ?? [],
  };
}

export function fileAsked(params: FileApprovalParams, id: string): ApprovalView {
  return {
    id,
    kind: "fileChange",
    turnId: params.turnId,
    itemId: params.itemId,
    ...reasons(params.reason),
    outside: params.grantRoot ? `Asks to write under ${params.grantRoot}.` : undefined,
    offers: params.offers ?? [],
  };
}

export function toolAsked(params: ElicitationParams, about: NonNullable<ElicitationParams["_meta"]>, id: string): ApprovalView {
  return {
    id,
    kind: "mcpTool",
    turnId: params.turnId ?? "",
    itemId: about.treadle_item_id,
    server: params.serverName,
    tool: about.tool_name,
    arguments: headAndTail(JSON.stringify(about.tool_params ?? {}, undefined, 2)),
    ...reasons(about.treadle_reason),
    outside: "Runs in the server, outside the sandbox.",
    offers: about.treadle_offers ?? [],
  };
}

export function questionAsked(params: QuestionParams, id: string): QuestionView {
  return { id, kind: "question", turnId: params.turnId, itemId: params.itemId, parts: params.questions };
}

export function elicitationAsked(params: ElicitationParams, id: string): FormView | LinkView {
  const common = { id, turnId: params.turnId, itemId: null, server: params.serverName, message: params.message };
  return params.mode === "url"
    ? { ...common, kind: "link", url: params.url ?? "" }
    : { ...common, kind: "form", fields: fields(params.requestedSchema) };
}

/** A server's question, at the call of its that runs: it is asked in the middle of one as a rule, and does not say of which. */
export function located(asked: Asked, entries: readonly ItemView[]): Asked {
  if (asked.kind !== "form" && asked.kind !== "link") return asked;
  const call = entries.findLast(
    ({ item, done }) =>
      !done && item.type === "other" && item.kind === "mcpToolCall" && item.title.startsWith(`${asked.server} · `),
  );
  return call ? { ...asked, itemId: call.item.id } : asked;
}

/** Our reason, and the model's words apart from it: they must not pass for ours. */
function reasons(reason: string | null | undefined, justification?: string | null): Pick<ApprovalView, "reason" | "quote"> {
  if (!justification) return { reason: reason || undefined };
  return { reason: reason?.replace(` It says: ${justification}`, () => "") || undefined, quote: justification };
}

/** What a screen reader and a notification say of a question: enough to know what would happen. */
export function wish(asked: Asked): string {
  switch (asked.kind) {
    case "command":
      return `run: ${asked.command ?? "a command"}`;
    case "network":
      return `let a command reach ${asked.host}`;
    case "mcpTool":
      return `call ${asked.tool} of ${asked.server}`;
    case "fileChange":
      return "edit files";
    case "question":
      return `know: ${asked.parts.map((part) => part.question).join(" ")}`;
    case "form":
    case "link":
      return `answer ${asked.server}: ${asked.message}`;
  }
}

const reaches: Record<GrantScope, string> = {
  thread: "Allowed in this thread",
  workspace: "Allowed in this workspace",
  always: "Always allowed",
};

/** The text of the rule that an answer stores. */
export function ruleOf(asked: ApprovalView, { scope, rule }: Answer): string | undefined {
  return scope && (rule ?? asked.offers.find((offer) => offer.scope === scope)?.subject.text);
}

/** A question that ends without an answer: nobody can answer it any more, or the sidecar needs none, as when another answer says it. */
export type Unanswered = "dropped" | "withdrawn";

export function outcome(asked: Asked, answer: Answer | Unanswered): Outcome {
  if (answer === "withdrawn") return { verdict: "decline", text: "No answer was needed any more" };
  if (answer === "dropped")
    return { verdict: "decline", text: isApproval(asked) ? "Not allowed: nobody answered" : "Not answered" };
  const { verdict, scope } = answer;
  if (asked.kind === "question") return questionOutcome(asked, answer);
  if (asked.kind === "form" || asked.kind === "link") return { verdict, text: elicitationOutcome(asked, verdict) };
  if (verdict === "accept") {
    return scope
      ? { verdict, text: reaches[scope], rule: ruleOf(asked, answer), lasting: true }
      : { verdict, text: "Allowed once" };
  }
  if (verdict === "cancel") return { verdict, text: "Denied, and stopped" };
  if (asked.kind === "network" && scope) return { verdict, text: "Always denied", rule: asked.host, lasting: true };
  return { verdict, text: answer.words ? `Denied: ${answer.words}` : "Denied" };
}

/** How a question about a call ended, as the thread keeps it. */
export function keptOutcome({ verdict, scope, rule, words }: ItemAnswer, ofQuestion: boolean): Outcome {
  if (ofQuestion) return { verdict, text: verdict === "accept" ? "Answered" : "Skipped" };
  if (verdict === "cancel") return { verdict, text: "Denied, and stopped" };
  if (verdict === "decline") return { verdict, text: words ? `Denied: ${words}` : "Denied" };
  return scope ? { verdict, text: reaches[scope], rule: rule ?? undefined, lasting: true } : { verdict, text: "Allowed once" };
}

function questionOutcome(asked: QuestionView, { verdict, answers = {} }: Answer): Outcome {
  const said = asked.parts.flatMap((part) => {
    const given = answers[part.id]?.filter(Boolean) ?? [];
    return given.length ? [`${part.header || part.question}: ${part.isSecret ? "•••" : given.join(", ")}`] : [];
  });
  if (verdict !== "accept" || !said.length) return { verdict: "decline", text: "Skipped" };
  return { verdict, text: said.join(" · ") };
}

function elicitationOutcome(asked: FormView | LinkView, verdict: Answer["verdict"]): string {
  if (verdict === "accept") return asked.kind === "link" ? `Opened for ${asked.server}: ${asked.url}` : `Sent to ${asked.server}`;
  return verdict === "decline" ? `Declined what ${asked.server} asked` : `Dismissed what ${asked.server} asked`;
}
