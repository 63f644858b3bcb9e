// @vitest-environment jsdom
// How a turn ended badly, and which ways on are offered: the first is the one that helps.
import { expect, test } from "vitest";
import { said } from "./webview";
import type { TurnView } from "@src/thread";
import { turnEnd } from "@webview/turn_end";
import { render } from "lit";

const failed = (message: string, codexErrorInfo: unknown = null, last = true): string[] => {
  const turn = { id: "u", status: "failed", items: [], error: { message, codexErrorInfo, additionalDetails: null } } as unknown as TurnView;
  render(turnEnd(turn, last), document.body);
  return [...document.querySelectorAll("vscode-button")].map((button) => button.textContent ?? "");
};

test("whoever has neither a key nor a model is offered to set a key first", () => {
  const ways = ["Set API Key…", "Retry", "Open Settings"];
  expect(failed("There are no weights for the embedded model. Set OPENAI_API_KEY, or configure another model_provider.")).toEqual(ways);
  expect(failed("The provider refused the key.", "unauthorized")).toEqual(ways);
  said.length = 0;
  document.querySelector("vscode-button")?.dispatchEvent(new MouseEvent("click"));
  expect(said).toEqual([{ type: "command", command: "setApiKey" }]);
});

test("another failure can be tried again, and one that something followed is only told", () => {
  expect(failed("The provider is overloaded.")).toEqual(["Retry", "Open Settings", "Show Log"]);
  expect(failed("The provider is overloaded.", null, false)).toEqual([]);
});
