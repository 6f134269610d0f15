import { z } from "zod";
import { didYouMean, listNames, quote, unknownName } from "./wording.ts";

type RawIssue = z.core.$ZodRawIssue;

/** The words for what a schema finds, as zod's `error` parameter; a schema's own words come first. */
export function describeIssue(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return unexpected(issue.input, expectedName(issue.expected, issue.input, issue.inst));
    case "invalid_value":
      return unknownValue(issue.input, issue.values.map(String));
    case "too_big":
      return outOfBounds(issue.input, ["large", "many"], `at most ${issue.maximum}`);
    case "too_small":
      return outOfBounds(issue.input, ["small", "few"], `at least ${issue.minimum}`);
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, keysOf(issue.inst))).join("\n");
    case "invalid_key":
      return issue.issues[0]?.message;
    case "invalid_union":
      return describeUnion(issue);
    default:
      return undefined;
  }
}

/** `unexpected list; allowed: …`. The value is not shown: it may be a secret. */
export function unexpected(input: unknown, allowed: string): string {
  return `${input === null ? "no value" : `unexpected ${typeName(input)}`}; allowed: ${allowed}`;
}

function unknownKey(key: string, allowed: readonly string[]): string {
  return `unknown key${didYouMean(key, allowed)}; allowed: ${listNames(allowed)}`;
}

function unknownValue(value: unknown, allowed: readonly string[]): string {
  if (typeof value === "string") return unknownName("value", value, allowed);
  return unexpected(value, listNames(allowed));
}

type UnionIssue = Pick<z.core.$ZodIssueInvalidUnion, "errors" | "discriminator" | "input"> & {
  readonly options?: readonly unknown[];
};

function describeUnion(issue: UnionIssue): string {
  if (issue.discriminator !== undefined) {
    const value = (issue.input as Record<string, unknown>)[issue.discriminator];
    return unknownValue(value, (issue.options ?? []).map(String));
  }
  const types = issue.errors.flatMap(([first]) =>
    first?.code === "invalid_type" ? [expectedName(first.expected, issue.input)] : [],
  );
  return unexpected(issue.input, types.join(" or "));
}

function outOfBounds(input: unknown, [far, much]: [string, string], allowed: string): string {
  if (typeof input === "number") return `${quote(input)} is too ${far}; allowed: ${allowed}`;
  const unit = typeof input === "string" ? "characters" : "entries";
  return `too ${much} ${unit}; allowed: ${allowed}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function expectedName(expected: string, input: unknown, schema?: unknown): string {
  const keys = keysOf(schema);
  if (keys.length > 0) return `a map with the keys ${listNames(keys)}`;
  if (schema instanceof z.ZodNumberFormat) return "a whole number";
  const unquoted =
    expected === "string" && (typeof input === "number" || typeof input === "boolean");
  return unquoted ? "text (put it in quotes)" : (TYPE_NAMES[expected] ?? expected);
}

function keysOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "text";
  return typeof value === "object" ? "map" : typeof value;
}
