// The page of permissions: where grants are listed, where they may be moved to, and how a change is taken back.
import { describe, expect, test } from "vitest";
import { inverse, kindName, rescoped, retold, revoked, scopesFrom, sections } from "@src/grants";
import type { Grant } from "@src/wire";

const grant = (id: string, more: Partial<Grant> = {}): Grant => ({
  id,
  scope: "always",
  subject: { kind: "command", text: id, outsideSandbox: false, cwd: null },
  workspace: null,
  threadId: null,
  createdAtMs: 1_000,
  ...more,
});
const here = { threadId: "t1", folder: "/w" };
const mine = grant("mine", { scope: "workspace", workspace: "/w" });
const other = grant("other", { scope: "workspace", workspace: "/elsewhere" });
const near = grant("near", { scope: "thread", threadId: "t1" });
const far = grant("far", { scope: "thread", threadId: "t2" });
const all = grant("all");

describe("the list of grants", () => {
  test("has what counts here first, and the rest to be found", () => {
    const listed = sections([all, far, other, mine, near], here);
    expect(listed.map((section) => [section.title, section.here, section.grants.map((one) => one.id)])).toEqual([
      ["This thread", true, ["near"]],
      ["This workspace", true, ["mine"]],
      ["Everywhere", true, ["all"]],
      ["/elsewhere", false, ["other"]],
      ["Other threads", false, ["far"]],
    ]);
  });

  test("has the newest first", () => {
    expect(sections([all, grant("new", { createdAtMs: 2_000 })], here)[0]?.grants.map((one) => one.id)).toEqual(["new", "all"]);
  });

  test("takes no thread for this one when none is open", () => {
    expect(sections([grant("x", { scope: "thread", threadId: null })], { threadId: null, folder: null })[0]?.title).toBe("Other threads");
  });

  test("says what a rule is about", () => {
    expect(kindName(all)).toBe("Commands that begin with");
    expect(kindName(grant("m", { subject: { kind: "mcp", text: "docs/*", outsideSandbox: false, cwd: null } }))).toBe("All tools of the MCP server");
  });
});

describe("a change of a grant", () => {
  test("moves it only to where the user is", () => {
    expect(scopesFrom(all, here)).toEqual(["thread", "workspace", "always"]);
    expect(scopesFrom(all, { threadId: null, folder: null })).toEqual(["always"]);
    expect(scopesFrom(mine, { threadId: null, folder: null })).toEqual(["workspace", "always"]);
  });

  test("names the folder or the thread that the scope asks for", () => {
    expect(rescoped(all, "workspace", here)).toEqual({ op: "change", id: "all", scope: "workspace", workspace: "/w" });
    expect(rescoped(all, "thread", here)).toEqual({ op: "change", id: "all", scope: "thread", workspace: "/w", threadId: "t1" });
    expect(rescoped(mine, "always", here)).toEqual({ op: "change", id: "mine", scope: "always" });
    expect(retold(all, "npm")).toEqual({ op: "change", id: "all", subject: { ...all.subject, text: "npm" } });
  });

  test("is taken back by what was there before", () => {
    const { subject } = mine;
    expect(inverse(revoked([mine]), [mine, all])).toEqual([{ op: "add", scope: "workspace", subject, workspace: "/w", threadId: null }]);
    expect(inverse([retold(all, "npm")], [all])).toEqual([
      { op: "change", id: "all", scope: "always", subject: all.subject, workspace: null, threadId: null },
    ]);
    expect(inverse([{ op: "remove", id: "gone" }], [all])).toEqual([]);
  });
});
