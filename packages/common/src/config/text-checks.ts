import { quote } from "./wording.ts";

const LONGEST_NAME = 200;

/** Names become file and folder names and command line arguments: never `..`, never an option. */
export const NAME_PATTERN: RegExp = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;

/** What is wrong with the name of a cluster, host, plan, target, tool or stream, if anything is. */
export function nameProblem(name: string): string | undefined {
  if (NAME_PATTERN.test(name)) return undefined;
  const allowed = `letters, digits, ".", "_" and "-", not beginning with "." or "-", at most ${LONGEST_NAME}`;
  return `bad name ${quote(name)}; allowed: ${allowed}`;
}

/** What is wrong with an absolute path, if anything is. */
export function pathProblem(path: string): string | undefined {
  const allowed = `an absolute path without "." and ".." in it`;
  const clean =
    path.startsWith("/") && !path.split("/").some((part) => part === "." || part === "..");
  return clean && !hasControl(path) ? undefined : `bad path ${quote(path)}; allowed: ${allowed}`;
}

/** What is wrong with an argument or a variable's value. The message does not show it. */
export function textProblem(text: string): string | undefined {
  return text.includes("\0") ? "bad text; allowed: anything without a NUL character" : undefined;
}

/** A path with a line break in it would forge lines of messages and lists. */
function hasControl(text: string): boolean {
  return [...text].some((character) => character < " " || character === "\x7f");
}
