// Forms of MCP servers: from a flat schema to fields, and from what was typed to what the schema asks for.
import { describe, expect, test } from "vitest";
import { type Field, fields, filled, problemOf } from "@src/forms";

const only = (property: object, required = false): Field => {
  const [field] = fields({ type: "object", properties: { it: property }, required: required ? ["it"] : [] });
  if (!field) throw new Error("no field");
  return field;
};

describe("a form's fields", () => {
  test("have a title, a description and a first value, and say whether they are needed", () => {
    expect(only({ type: "string", title: "Name", description: "Of a person", default: "Ada" }, true)).toMatchObject({
      name: "it",
      title: "Name",
      description: "Of a person",
      required: true,
      kind: "text",
      initial: "Ada",
    });
    expect(only({ type: "boolean", default: true })).toMatchObject({ kind: "boolean", initial: true, title: "it" });
  });

  test.each([
    ["an enumeration", { type: "string", enum: ["a", "b"] }, ["a", "b"]],
    ["one with names", { type: "string", enum: ["a", "b"], enumNames: ["Ah", "Be"] }, ["Ah", "Be"]],
    ["one with titles", { type: "string", oneOf: [{ const: "a", title: "Ah" }, { const: "b" }] }, ["Ah", "b"]],
  ])("offer the choices of %s", (_name, schema, labels) => {
    const field = only(schema);
    expect(field.kind).toBe("choice");
    expect(field.options.map((option) => option.value)).toEqual(["a", "b"]);
    expect(field.options.map((option) => option.label)).toEqual(labels);
  });

  test.each([
    ["plain", { type: "array", items: { type: "string", enum: ["a", "b"] }, default: ["b"] }],
    ["titled", { type: "array", items: { anyOf: [{ const: "a", title: "Ah" }, { const: "b", title: "Be" }] }, default: ["b"] }],
  ])("let several of %s choices be chosen", (_name, schema) => {
    expect(only(schema)).toMatchObject({ kind: "choices", initial: ["b"], options: [{ value: "a" }, { value: "b" }] });
  });

  test.each([[null], ["nonsense"], [{ properties: 7 }], [{ type: "object" }]])("are none in %j", (schema) => {
    expect(fields(schema)).toEqual([]);
  });

  test("of a kind that nobody knows are a line of text", () => {
    expect(only({ type: "object", properties: {} })).toMatchObject({ kind: "text", initial: "" });
  });
});

describe("what was typed", () => {
  test.each([
    ["an empty field that is needed", { type: "string" }, true, "", "This is needed."],
    ["an empty field that is not", { type: "string", format: "email" }, false, "", null],
    ["words for a number", { type: "number" }, false, "many", "This is no number."],
    ["half of a whole", { type: "integer" }, false, "1.5", "A whole number is needed."],
    ["too little", { type: "integer", minimum: 1 }, false, "0", "1 is the least."],
    ["too much", { type: "number", maximum: 9.5 }, false, "10", "9.5 is the most."],
    ["too short", { type: "string", minLength: 3 }, false, "ab", "Write at least 3 characters."],
    ["a letter of two code units, once", { type: "string", maxLength: 1 }, false, "😀", null],
    ["no address of mail", { type: "string", format: "email" }, false, "ada", "This is no e-mail address."],
    ["an address of mail", { type: "string", format: "email" }, false, "ada@example.com", null],
    ["no address", { type: "string", format: "uri" }, false, "example.com", "This is no address: it begins with https://, for example."],
    ["no date", { type: "string", format: "date" }, false, "2026-13-01", "A date is needed, as 2026-01-31."],
    ["a date", { type: "string", format: "date" }, false, "2026-01-31", null],
    ["too few of many", { type: "array", items: { enum: ["a", "b"] }, minItems: 2 }, false, ["a"], "Choose at least 2 of them."],
  ] as const)("%s", (_name, schema, required, typed, problem) => {
    expect(problemOf(only(schema, required), typed as string)).toBe(problem);
  });

  test("becomes the values that the schema asks for; what is empty is left out", () => {
    const form = fields({
      type: "object",
      properties: {
        name: { type: "string" },
        age: { type: "integer" },
        sure: { type: "boolean" },
        tags: { type: "array", items: { enum: ["a", "b"] } },
        nick: { type: "string" },
        at: { type: "string", format: "date-time" },
      },
      required: ["name"],
    });
    const typed = { name: "Ada", age: "36", sure: false, tags: ["a"], nick: " ", at: "2026-01-31T10:00:00Z" };
    expect(filled(form, typed)).toEqual({ content: { name: "Ada", age: 36, sure: false, tags: ["a"], at: "2026-01-31T10:00:00.000Z" } });
    expect(filled(form, { age: "x" })).toEqual({ problems: { name: "This is needed.", age: "This is no number." } });
  });
});
