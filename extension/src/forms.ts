/**
 * A form of an MCP server: from its flat JSON schema to fields, and from what the user typed to the values that the schema asks for.
 * A property of a kind that is not known becomes a line of text. Pure: no DOM.
 */

export interface Option {
  value: string;
  label: string;
}

export interface Field {
  name: string;
  title: string;
  description?: string;
  required: boolean;
  kind: "text" | "number" | "integer" | "boolean" | "choice" | "choices";
  format?: "email" | "uri" | "date" | "date-time";
  /** Bounds: of a text's length, of a number, or of how many are chosen. */
  least?: number;
  most?: number;
  options: Option[];
  initial: Typed;
}

/** What a control holds. */
export type Typed = string | boolean | string[];

type Schema = Record<string, unknown>;

const formats = ["email", "uri", "date", "date-time"] as const;

export function fields(schema: unknown): Field[] {
  const properties = map(map(schema).properties);
  const required = list(map(schema).required);
  return Object.entries(properties).map(([name, property]) => field(name, map(property), required.includes(name)));
}

function field(name: string, schema: Schema, required: boolean): Field {
  const options = choices(schema);
  const kind = kindOf(schema, options);
  const of = kind === "choices" ? "Items" : kind === "text" ? "Length" : "imum";
  return {
    name,
    title: text(schema.title) ?? name,
    description: text(schema.description),
    required,
    kind,
    format: formats.find((format) => format === schema.format),
    least: number(schema[`min${of}`]),
    most: number(schema[`max${of}`]),
    options,
    initial: initial(kind, schema.default),
  };
}

function kindOf(schema: Schema, options: Option[]): Field["kind"] {
  if (schema.type === "array") return "choices";
  if (options.length) return "choice";
  if (schema.type === "number" || schema.type === "integer" || schema.type === "boolean") return schema.type;
  return "text";
}

/** Plain values (enum, with titles in enumNames), or titled ones (oneOf, anyOf). Of a list they are those of its items. */
function choices(schema: Schema): Option[] {
  if (schema.type === "array") return choices({ ...map(schema.items), type: "string" });
  const titled = [...list(schema.oneOf), ...list(schema.anyOf)].map(map);
  if (titled.length) return titled.map((one) => ({ value: String(one.const), label: text(one.title) ?? String(one.const) }));
  const names = list(schema.enumNames);
  return list(schema.enum).map((value, index) => ({ value: String(value), label: text(names[index]) ?? String(value) }));
}

function initial(kind: Field["kind"], given: unknown): Typed {
  if (kind === "boolean") return given === true;
  if (kind === "choices") return list(given).map(String);
  return typeof given === "string" || typeof given === "number" ? String(given) : "";
}

export type Filled = { content: Record<string, unknown> } | { problems: Record<string, string> };

/** The whole form: the values, or what is wrong with them by the fields' names. */
export function filled(form: readonly Field[], typed: Record<string, Typed>): Filled {
  const content: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const one of form) {
    const given = typed[one.name] ?? one.initial;
    const problem = problemOf(one, given);
    if (problem) problems[one.name] = problem;
    else if (!isEmpty(given)) content[one.name] = sent(one, given);
  }
  return Object.keys(problems).length ? { problems } : { content };
}

/** What is wrong with what was typed, in a few words; null when it can be sent. */
export function problemOf(one: Field, given: Typed): string | null {
  if (isEmpty(given)) {
    if (!one.required) return null;
    return one.kind === "choice" || one.kind === "choices" ? "Choose one." : "This is needed.";
  }
  if (typeof given === "boolean") return null;
  if (Array.isArray(given)) return outOf(one, given.length, "Choose", "of them");
  if (one.kind === "number" || one.kind === "integer") return badNumber(one, given);
  return one.kind === "text" ? (badFormat(one, given) ?? outOf(one, [...given].length, "Write", "characters")) : null;
}

function badNumber(one: Field, given: string): string | null {
  const value = Number(given);
  if (!Number.isFinite(value)) return "This is no number.";
  if (one.kind === "integer" && !Number.isInteger(value)) return "A whole number is needed.";
  if (one.least !== undefined && value < one.least) return `${one.least} is the least.`;
  return one.most !== undefined && value > one.most ? `${one.most} is the most.` : null;
}

function outOf(one: Field, count: number, verb: string, what: string): string | null {
  if (one.least !== undefined && count < one.least) return `${verb} at least ${one.least} ${what}.`;
  return one.most !== undefined && count > one.most ? `${verb} at most ${one.most} ${what}.` : null;
}

function badFormat(one: Field, given: string): string | null {
  switch (one.format) {
    case "email":
      return /^[^@\s]+@[^@\s]+$/.test(given) ? null : "This is no e-mail address.";
    case "uri":
      return URL.canParse(given) ? null : "This is no address: it begins with https://, for example.";
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(Date.parse(given)) ? null : "A date is needed, as 2026-01-31.";
    case "date-time":
      return Number.isNaN(Date.parse(given)) ? "A date and a time are needed." : null;
    default:
      return null;
  }
}

function sent(one: Field, given: Typed): unknown {
  if (one.kind === "number" || one.kind === "integer") return Number(given);
  return one.format === "date-time" ? new Date(String(given)).toISOString() : given;
}

function isEmpty(given: Typed): boolean {
  return typeof given === "string" ? !given.trim() : Array.isArray(given) && !given.length;
}

function map(value: unknown): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
