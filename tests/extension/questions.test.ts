// @vitest-environment jsdom
// The cards of questions: what they show, what each answer says, the keys, and that nothing is lost or said twice.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { answers, checked, drawn, find, kept, mount, press, said, words, write } from "./webview";
import type { ApprovalView, FormView, LinkView, QuestionView } from "@src/asked";
import type { Offer } from "@src/wire";
import "@webview/asks";

const offer = (scope: Offer["scope"], text = "npm test", editable = true): Offer => ({
  scope,
  subject: { kind: "command", text, outsideSandbox: false, cwd: null },
  editable,
});

const approval: ApprovalView = {
  id: "c1#1",
  kind: "command",
  turnId: "u1",
  itemId: "c1",
  command: "npm test -- --watch",
  cwd: "/home/ada/w/sub",
  reason: "This command is not known.",
  quote: "Shall I run the tests?",
  offers: [offer("thread"), offer("workspace"), offer("always")],
};

beforeEach(() => {
  kept.state = undefined;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

let questions = 0;
beforeEach(() => {
  questions += 1;
});

const show = (more: Partial<ApprovalView> = {}) => mount("treadle-approval", { asked: { ...approval, id: `c1#${questions}`, ...more }, folder: "/home/ada/w", home: "/home/ada" });

describe("the card of an approval", () => {
  test("shows the whole command, the folder, why it is asked, and the model's words as its own", async () => {
    const card = await show();
    expect(words(find(card, ".exact"))).toContain("npm test -- --watch");
    expect(words(card)).toContain("~/w/sub");
    expect(words(card)).toContain("Runs inside the sandbox.");
    expect(words(card)).toContain("This command is not known.");
    expect(words(find(card, "q"))).toBe("Shall I run the tests?");
    expect(find(card, ".ask").getAttribute("aria-label")).toContain("npm test -- --watch");
  });

  test("spells out what one does not see, wherever it stands, and draws words of others as words", async () => {
    const odd = `a\u202eb\u200b<img src=x>`;
    const plain = "a⟨U+202E⟩b⟨U+200B⟩<img src=x>";
    const views: Partial<ApprovalView>[] = [
      { command: `${" ".repeat(500)}${odd}`, parts: [odd, odd], cwd: odd, reason: odd, quote: odd, outside: odd },
      { kind: "mcpTool", server: odd, tool: odd, arguments: odd },
      { kind: "network", host: odd },
    ];
    for (const view of views) {
      const card = await show(view);
      expect(card.innerHTML).not.toMatch(/[\u202e\u200b]/);
      expect(card.querySelector("img")).toBeNull();
      for (const place of view.command ? [".exact", ".parts", "q", ".ground"] : [".facts"]) expect(words(find(card, place))).toContain(plain);
    }
    const part = { id: "p", header: odd, question: odd, isOther: false, isSecret: false, options: [{ label: odd, description: "" }] };
    const asked = { id: "k1#odd", turnId: "u1", itemId: "k1", server: odd, message: odd };
    const others = [
      await mount("treadle-question", { asked: { ...asked, kind: "question", parts: [part] } }),
      await mount("treadle-form", { asked: { ...asked, kind: "form", fields: [] } }),
      await mount("treadle-link", { asked: { ...asked, kind: "link", url: "https://a.example/" } }),
    ];
    for (const card of others) expect(card.innerHTML).not.toMatch(/[\u202e\u200b]/);
  });

  test("says in words and by a sign that a command leaves the sandbox", async () => {
    const card = await show({ outside: "Runs outside the sandbox: it can change any file." });
    expect(words(find(card, ".question"))).toBe("Run this command outside the sandbox?");
    expect(words(find(card, ".ground"))).toContain("outside the sandbox");
    expect(find(card, ".ground .codicon-warning")).toBeTruthy();
    expect(find(card, ".ask.beyond").getAttribute("aria-label")).toContain("outside the sandbox");
  });

  test("takes the keyboard by nothing that it does itself, and hands it back when it is answered", async () => {
    const area = () => document.querySelector("textarea");
    const card = await show();
    expect(document.activeElement).toBe(document.body);
    find(card, ".accept").click();
    expect(document.activeElement).toBe(area());
  });

  test("is answered once, and rests while the answer is on its way", async () => {
    const card = await show();
    find(card, ".accept").click();
    find(card, ".decline").click();
    await drawn(card);
    expect(answers()).toEqual([{ type: "answer", id: `c1#${questions}`, answer: { verdict: "accept" } }]);
    expect(card.querySelectorAll(".answers vscode-button:not([disabled])")).toHaveLength(0);
  });

  test.each([
    [".decline", { verdict: "decline" }],
    [".cancel", { verdict: "cancel" }],
  ])("answers by %s", async (selector, answer) => {
    find(await show(), selector).click();
    expect(answers()).toMatchObject([{ answer }]);
  });

  test("allows once by Ctrl+Enter from anywhere in it", async () => {
    const card = await show();
    const event = press(find(card, ".exact pre"), "Enter", { ctrlKey: true });
    expect(event.defaultPrevented).toBe(true);
    expect(answers()).toMatchObject([{ answer: { verdict: "accept" } }]);
  });

  test("offers no lasting yes where the sidecar offers none", async () => {
    expect((await show({ offers: [] })).querySelector(".lasting")).toBeNull();
  });

  test("shows the rule of each scope before it is stored, and stores the chosen one as it is", async () => {
    const card = await show();
    find(card, ".lasting").click();
    await drawn(card);
    expect([...card.querySelectorAll(".offer .name")].map((one) => one.textContent)).toEqual(["This thread", "This workspace", "Always"]);
    expect(card.querySelectorAll(".offer :is(.rule, treadle-rule)")).toHaveLength(3);
    find(card, ".offer.workspace input").click();
    await drawn(card);
    find(card, ".save").click();
    expect(answers()).toMatchObject([{ answer: { verdict: "accept", scope: "workspace" } }]);
    expect(answers()[0]?.answer).not.toHaveProperty("rule");
  });

  test("stores an edited rule once the sidecar finds it good, and not before", async () => {
    const card = await show();
    find(card, ".lasting").click();
    await drawn(card);
    const input = find(card, "treadle-rule input");
    const save = () => find(card, ".save");
    write(input, "npm *");
    await drawn(card);
    expect(save().hasAttribute("disabled")).toBe(true);
    await vi.runAllTimersAsync();
    checked("A rule must not hold a wildcard.");
    await vi.runAllTimersAsync();
    await drawn(card);
    expect(words(find(card, ".problem"))).toBe("A rule must not hold a wildcard.");
    expect(input.getAttribute("aria-invalid")).toBe("true");
    press(input, "Enter");
    save().click();
    expect(answers()).toEqual([]);
    write(input, "npm");
    await vi.runAllTimersAsync();
    expect(said.findLast((message) => message.type === "checkRule")).toMatchObject({ subject: { kind: "command", text: "npm" } });
    checked(null);
    await vi.runAllTimersAsync();
    press(input, "Enter");
    expect(answers()).toMatchObject([{ answer: { verdict: "accept", scope: "thread", rule: "npm" } }]);
  });

  test("names the rule where several are offered for one scope", async () => {
    const card = await show({ offers: [offer("thread", "/w/a.py", false), offer("thread", "/w/", false)] });
    find(card, ".lasting").click();
    await drawn(card);
    (card.querySelectorAll<HTMLElement>(".offer input[type=radio]")[1] as HTMLElement).click();
    await drawn(card);
    find(card, ".save").click();
    expect(answers()).toMatchObject([{ answer: { verdict: "accept", scope: "thread", rule: "/w/" } }]);
  });

  test("denies with words by Enter", async () => {
    const card = await show();
    find(card, ".words").click();
    await drawn(card);
    const input = find(card, ".instead");
    expect(document.activeElement).toBe(input);
    write(input, "use pnpm");
    press(input, "Enter");
    expect(answers()).toMatchObject([{ answer: { verdict: "decline", words: "use pnpm" } }]);
  });

  test("is left by Escape step by step, which does not stop the turn", async () => {
    const card = await show();
    find(card, ".words").click();
    await drawn(card);
    let reached = false;
    const listener = () => {
      reached = true;
    };
    window.addEventListener("keydown", listener);
    press(find(card, ".instead"), "Escape");
    await drawn(card);
    expect(card.querySelector(".instead")).toBeNull();
    press(find(card, ".ask"), "Escape");
    window.removeEventListener("keydown", listener);
    expect(document.activeElement).toBe(document.querySelector("textarea"));
    expect([reached, answers()]).toEqual([false, []]);
  });

  test("keeps what was typed when the webview is built anew", async () => {
    const before = await show();
    find(before, ".words").click();
    await drawn(before);
    write(find(before, ".instead"), "use pn");
    const card = await show();
    expect((find(card, ".instead") as HTMLInputElement).value).toBe("use pn");
  });
});

const part = { id: "a", header: "Units", question: "Which units?", isOther: true, isSecret: false, options: [{ label: "Metric", description: "m/s" }, { label: "All", description: "" }] };
const secret = { id: "b", header: "Token", question: "Which token?", isOther: true, isSecret: true, options: null };
const question: QuestionView = { id: "q1#1", kind: "question", turnId: "u1", itemId: "q1", parts: [part, secret] };

describe("the card of the model's questions", () => {
  test("sends the labels and the words when all is answered", async () => {
    const card = await mount("treadle-question", { asked: question });
    expect(find(card, ".accept").hasAttribute("disabled")).toBe(true);
    find(card, ".choice input").click();
    await drawn(card);
    const field = find(card, '[data-part="b"]') as HTMLInputElement;
    expect(field.type).toBe("password");
    write(field, "s3cret");
    await drawn(card);
    press(field, "Enter");
    expect(answers()).toMatchObject([{ answer: { verdict: "accept", answers: { a: ["Metric"], b: ["s3cret"] } } }]);
  });

  test("takes the user's own words for a choice", async () => {
    const card = await mount("treadle-question", { asked: { ...question, parts: [part] } });
    (card.querySelectorAll<HTMLElement>(".choice input")[2] as HTMLElement).click();
    await drawn(card);
    write(find(card, ".own"), "knots");
    await drawn(card);
    find(card, ".accept").click();
    expect(answers()).toMatchObject([{ answer: { answers: { a: ["knots"] } } }]);
  });

  test("is skipped as a whole", async () => {
    find(await mount("treadle-question", { asked: question }), ".decline").click();
    expect(answers()).toMatchObject([{ answer: { verdict: "decline" } }]);
  });

  test("keeps no secret", async () => {
    const card = await mount("treadle-question", { asked: question });
    write(find(card, '[data-part="b"]'), "s3cret");
    find(card, ".choice input").click();
    expect(JSON.stringify(kept.state)).toContain("Metric");
    expect(JSON.stringify(kept.state)).not.toContain("s3cret");
  });
});

const form: FormView = {
  id: "f#1",
  kind: "form",
  turnId: null,
  itemId: null,
  server: "events",
  message: "Register",
  fields: [
    { name: "name", title: "Name", required: true, kind: "text", options: [], initial: "" },
    { name: "seats", title: "Seats", required: false, kind: "integer", most: 9, options: [], initial: "1" },
  ],
};

describe("the card of an MCP server's form", () => {
  test("says who is told, and sends what the schema asks for", async () => {
    const card = await mount("treadle-form", { asked: form });
    expect(words(card)).toContain("goes to the MCP server events");
    const [name, seats] = card.querySelectorAll(".field");
    write(name as Element, "Ada");
    write(seats as Element, "2");
    find(card, ".accept").click();
    expect(answers()).toMatchObject([{ answer: { verdict: "accept", content: { name: "Ada", seats: 2 } } }]);
  });

  test("names what is wrong, and sends nothing", async () => {
    const card = await mount("treadle-form", { asked: form });
    write(card.querySelectorAll(".field")[1] as Element, "10");
    find(card, ".accept").click();
    await drawn(card);
    expect([...card.querySelectorAll(".problem")].map((one) => one.textContent)).toEqual(["This is needed.", "9 is the most."]);
    expect(document.activeElement).toBe(card.querySelector(".field"));
    expect(answers()).toEqual([]);
  });

  test.each(["decline", "cancel"])("is answered by %s without content", async (verdict) => {
    find(await mount("treadle-form", { asked: form }), `.${verdict}`).click();
    expect(answers()).toMatchObject([{ answer: { verdict } }]);
    expect(answers()[0]?.answer).not.toHaveProperty("content");
  });
});

describe("the card of an address", () => {
  const link: LinkView = { id: "l#1", kind: "link", turnId: null, itemId: null, server: "docs", message: "Sign in", url: "https://login.example.com:8443/a?next=https://evil.example" };

  test("shows the whole address and its host, and opens it by a click only", async () => {
    const card = await mount("treadle-link", { asked: link });
    expect(words(find(card, ".exact"))).toBe(link.url);
    expect(words(find(card, ".facts"))).toContain("login.example.com:8443");
    expect(said).toEqual([]);
    find(card, ".accept").click();
    expect(answers()).toMatchObject([{ answer: { verdict: "accept" } }]);
  });

  test("opens nothing but web addresses", async () => {
    const card = await mount("treadle-link", { asked: { ...link, url: "command:workbench.action.quit" } });
    expect(find(card, ".accept").hasAttribute("disabled")).toBe(true);
  });
});
