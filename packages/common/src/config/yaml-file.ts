import type { z } from "zod";
import { type ConfigFile, configErrors } from "./config-file.ts";
import { describeIssue } from "./describe-issue.ts";
import { readText } from "./read-text.ts";
import { toProblems } from "./schema-problems.ts";
import { parseYamlDocument } from "./yaml-document.ts";

/** Reads and checks a configuration file. Throws as `parseYaml` does, and if it cannot be read. */
export function loadYaml<T>(path: string, schema: z.ZodType<T>): ConfigFile<T> {
  return parseYaml(readText(path), path, schema);
}

/**
 * Checks a YAML text by a schema. Throws one `usage` error with everything that is wrong, a line
 * `FILE:LINE: what is wrong at a.b[0].c; allowed: …` for each. A value is shown only where the
 * allowed ones are known, so that a misplaced secret is not.
 */
export function parseYaml<T>(text: string, fileName: string, schema: z.ZodType<T>): ConfigFile<T> {
  const { value, lineOf } = parseYamlDocument(text, fileName);
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return { value: result.data, fileName, lineOf };
  const problems = result.error.issues.flatMap((issue) => toProblems(issue, value));
  throw configErrors({ fileName, lineOf }, problems);
}
