// @vitest-environment jsdom
// The list of what can be named, under fast fingers: a key means what the letters mean, not what the list showed before.
import { expect, test } from "vitest";
import { said } from "./webview";
import type { Choice } from "@src/choices";
import { Completing } from "@webview/completing";

const file = (name: string): Choice => ({ id: name, icon: "file", label: name });

function listed() {
  said.length = 0;
  const chosen: string[] = [];
  const host = { addController: () => undefined, removeController: () => undefined, requestUpdate: () => undefined, updateComplete: Promise.resolve(true) };
  const list = new Completing(host, (choice, { query }, key) => chosen.push(`${choice.id} for ${query} by ${key}`), () => chosen.push("Enter for the box"));
  const asked = () => said.filter(({ type }) => type === "ask") as unknown as { number: number }[];
  const answer = async (...names: string[]): Promise<void> => {
    window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: asked().at(-1)?.number, result: names.map(file) } }));
    await new Promise((done) => setTimeout(done));
  };
  const press = (key: string): boolean => list.key(new KeyboardEvent("keydown", { key }));
  return { list, chosen, answer, press };
}

test("Enter before the answer takes the first of the answer, not of the list for fewer letters", async () => {
  const { list, chosen, answer, press } = listed();
  list.look("@c", 2);
  await answer("cart.py", "check.py");
  list.look("@ch", 3);
  expect(press("Enter")).toBe(true);
  expect(chosen).toEqual([]);
  await answer("check.py");
  expect(chosen).toEqual(["check.py for ch by Enter"]);
});

test("letters typed after such a key, or Escape, take it back", async () => {
  const { list, chosen, answer, press } = listed();
  list.look("@c", 2);
  press("Tab");
  list.look("@ch", 3);
  await answer("check.py");
  expect(chosen).toEqual([]);
  list.look("@che", 4);
  press("Enter");
  press("Escape");
  await answer("check.py");
  expect(chosen).toEqual([]);
  expect(press("Enter"), "the key is the box's again").toBe(false);
});

test("Enter before an answer that has nothing is the box's; Tab is not", async () => {
  const { list, chosen, answer, press } = listed();
  list.look("@c", 2);
  press("Tab");
  await answer();
  expect(chosen).toEqual([]);
  list.look("@ch", 3);
  press("Enter");
  await answer();
  expect(chosen).toEqual(["Enter for the box"]);
});
