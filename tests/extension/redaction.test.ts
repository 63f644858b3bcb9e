// What "Copy Diagnostics" takes out before a text leaves the machine.
import { expect, test } from "vitest";
import { redacted } from "@src/redaction";

test.each([
  "Authorization: Bearer abcdef123456",
  "key sk-proj-abcdefgh12345678 was refused",
  "MINE_API_KEY=something-secret",
  'api_key = "something secret"',
  '{"password": "hunter22222"}',
  "token: something-with-1-digit",
  "https://ada:hunter22222@example.com/v1",
  "ghp_0123456789abcdef0123",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
])("takes the secret out of %s", (text) => {
  const found = redacted(text, [], "/home/ada");
  expect(found).toContain("[redacted]");
  expect(found).not.toMatch(/abcdef|something|hunter|0123456789|eyJ/);
});

test("takes out what is known to be a key wherever it stands, and the name of the home folder", () => {
  expect(redacted("x=plain-words /home/ada/.codex", ["plain-words"], "/home/ada")).toBe("x=[redacted] ~/.codex");
});

test("leaves what is no secret", () => {
  const text = "✓ Key: nothing is missing\n- keys in the secret store: MINE_API_KEY\n- python: 3.11.7\nThe tokens of this turn: 1,200.";
  expect(redacted(text, [], "/root")).toBe(text);
});
