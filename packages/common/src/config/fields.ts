import { z } from "zod";
import { toError } from "../errors.ts";
import { parseAddress, parseListenAddress } from "./address.ts";
import { unexpected } from "./describe-issue.ts";
import { NAME_PATTERN, nameProblem, pathProblem, textProblem } from "./text-checks.ts";
import {
  type Bytes,
  type BytesPerSecond,
  DURATION_ALLOWED,
  formatDuration,
  formatSize,
  type Milliseconds,
  parseDuration,
  parseRate,
  parseSize,
  RATE_ALLOWED,
  SIZE_ALLOWED,
} from "./units.ts";
import { quote } from "./wording.ts";

/** A name: of a cluster, host, plan, target, tool. */
export const nameField: z.ZodType<string, string> = text(nameProblem).meta({
  pattern: NAME_PATTERN.source,
});

/** An absolute path without dot segments. */
export const pathField: z.ZodType<string, string> = text(pathProblem).meta({ pattern: "^/" });

/** A path of a file of the configuration's own: relative ones belong to the folder it lies in. */
export const fileField: z.ZodType<string, string> = z.string().min(1);

/** An argument or a variable's value. */
export const textField: z.ZodType<string, string> = text(textProblem);

/** `host:port` to dial, as `parseAddress` takes it. */
export const addressField: z.ZodType<string, string> = text(thrownBy(parseAddress));

/** `host:port` to listen on, as `parseListenAddress` takes it: port 0 takes any free one. */
export const listenField: z.ZodType<string, string> = text(thrownBy(parseListenAddress));

/** A rate such as `10MiB/s`, or `off`. */
export const rateField: z.ZodType<BytesPerSecond | undefined, string | number> = scalar(
  RATE_ALLOWED,
).transform(reading(parseRate));

/** A size such as `64MiB`, at least `min` bytes. */
export function sizeField(min: Bytes): z.ZodType<Bytes, string | number> {
  return scalar(SIZE_ALLOWED).transform(
    reading((input) => atLeast(min, parseSize(input), input, formatSize)),
  );
}

/** A length of time such as `30s`, at least `min` milliseconds. */
export function durationField(min: Milliseconds): z.ZodType<Milliseconds, string | number> {
  return scalar(DURATION_ALLOWED).transform(
    reading((input) => atLeast(min, parseDuration(input), input, formatDuration)),
  );
}

/** A whole number from `min` to `max`. */
export function countField(min: number, max: number): z.ZodType<number, number> {
  return z.int().min(min).max(max);
}

/** Text in which `problem` finds nothing wrong; else its message is the error. */
function text(problem: (value: string) => string | undefined): z.ZodType<string, string> {
  return z.string().superRefine((value, context) => {
    const message = problem(value);
    // Checks of the whole must not see what is not right in its parts.
    if (message !== undefined) context.addIssue({ code: "custom", message, continue: false });
  });
}

function thrownBy(parse: (value: string) => unknown): (value: string) => string | undefined {
  return (value) => {
    try {
      parse(value);
      return undefined;
    } catch (thrown) {
      return toError(thrown).message;
    }
  };
}

/** A scalar that YAML may have read as text or as a number. */
function scalar(allowed: string): z.ZodType<string | number, string | number> {
  return z.union([z.string(), z.number()], { error: ({ input }) => unexpected(input, allowed) });
}

/** `parse` as a step of a schema: what it throws is the error. */
function reading<I, O>(parse: (input: I) => O): (input: I, context: z.RefinementCtx) => O {
  return (input, context) => {
    try {
      return parse(input);
    } catch (thrown) {
      context.addIssue({ code: "custom", message: toError(thrown).message });
      return z.NEVER;
    }
  };
}

function atLeast(
  min: number,
  value: number,
  input: string | number,
  format: (value: number) => string,
): number {
  if (value >= min) return value;
  throw new RangeError(`${quote(input)} is too small; allowed: at least ${format(min)}`);
}
