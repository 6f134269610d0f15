import { PenstockError } from "../errors.ts";
import { formatPath, withPlace } from "./wording.ts";

/** Keys and indexes from the top of a configuration file, e.g. `["plans", "nightly", "targets", 0]`. */
export type ConfigPath = readonly (string | number)[];

/** A checked configuration, with what is needed to name the line of an error found later. */
export interface ConfigFile<T> {
  readonly value: T;
  /** As the operator named it. */
  readonly fileName: string;
  /** The line, counted from 1, of this entry or of the nearest one around it. */
  lineOf(path: ConfigPath): number;
}

/** One thing that is wrong, and where. The message may end in `; allowed: …`. */
export interface ConfigProblem {
  readonly path: ConfigPath;
  readonly message: string;
}

/** Makes the error for a place in one file, for code that knows the place and not the file. */
export type ErrorAt = (path: ConfigPath, message: string) => PenstockError;

/** It is a person who reads them: after so many problems the rest is only counted. */
const MOST_PROBLEMS = 50;

/** The `usage` error `FILE:LINE: what is wrong at a.b[0].c; allowed: …`, for the caller to throw. */
export function configError(
  file: Omit<ConfigFile<unknown>, "value">,
  path: ConfigPath,
  message: string,
): PenstockError {
  return configErrors(file, [{ path, message }]);
}

/** As `configError`, with a line of text for each problem, in the order of the file. */
export function configErrors(
  file: Omit<ConfigFile<unknown>, "value">,
  problems: readonly ConfigProblem[],
): PenstockError {
  const shown = problems.slice(0, MOST_PROBLEMS); // finding a line takes time
  const lines = shown.map(({ path, message }) => ({
    line: file.lineOf(path),
    text: path.length === 0 ? message : withPlace(message, formatPath(path)),
  }));
  return errorAtLines(file.fileName, lines, problems.length);
}

/** The error for problems whose lines are known, the first ones of `total`. */
export function errorAtLines(
  fileName: string,
  problems: readonly { readonly line: number; readonly text: string }[],
  total: number = problems.length,
): PenstockError {
  const shown = problems
    .slice(0, MOST_PROBLEMS)
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, text }) => `${fileName}:${line}: ${text}`);
  const rest = total - shown.length;
  if (rest > 0) shown.push(`${fileName}: and ${rest} more problems`);
  return new PenstockError("usage", shown.join("\n"));
}
