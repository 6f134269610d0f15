import type { z } from "zod";
import type { ConfigPath, ConfigProblem } from "./config-file.ts";
import { withWrong } from "./wording.ts";

type Issue = z.core.$ZodIssue;

/** What a schema found in `root`, in the words of `describeIssue`, as one problem for each wrong entry. */
export function toProblems(issue: Issue, root: unknown): ConfigProblem[] {
  const { message } = issue;
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  if (issue.code === "unrecognized_keys") {
    const messages = message.split("\n");
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? message }));
  }
  // What a check of ours says of a default is no missing key.
  if (issue.code !== "custom" && path.length > 0 && !hasValue(root, path)) {
    return [{ path, message: withWrong(message, "missing key") }];
  }
  const meant = issue.code === "invalid_union" ? meantOption(issue.errors) : undefined;
  if (meant === undefined) return [{ path, message }];
  return meant.flatMap((inner) => toProblems({ ...inner, path: [...path, ...inner.path] }, root));
}

/** What is said of a value of another type, also by an option that is itself a union of types. */
const OTHER_TYPE: ReadonlySet<Issue["code"]> = new Set(["invalid_type", "invalid_union"]);

/** Of a union's options the one whose outer type fits, if it is the only one: its errors are exact. */
function meantOption(options: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = options.filter(
    (issues) => !issues.some(({ code, path }) => OTHER_TYPE.has(code) && path.length === 0),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

function hasValue(root: unknown, path: ConfigPath): boolean {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string | number, unknown>)[key];
  }
  return true;
}
