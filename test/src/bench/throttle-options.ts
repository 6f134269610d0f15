import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { parseRate } from "@penstock/common";
import { parseCount, parseOutput } from "./options.ts";

/** What to measure of the throttle. */
export interface ThrottleOptions {
  /** Bytes per second. */
  readonly limits: readonly number[];
  readonly streamCounts: readonly number[];
  /** How long a run takes if the limit is kept. */
  readonly seconds: number;
  /** Folder for the files. */
  readonly directory: string;
  readonly output: "text" | "json";
}

/** Reads the command line after `throttle`. Throws an error that says which option is wrong. */
export function parseThrottleOptions(args: readonly string[]): ThrottleOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      limits: { type: "string", default: "10MiB/s,200MiB/s" },
      streams: { type: "string", default: "1,4" },
      seconds: { type: "string", default: "10" },
      dir: { type: "string", default: tmpdir() },
      output: { type: "string", short: "o", default: "text" },
    },
  });
  return {
    limits: values.limits.split(",").map(parseLimit),
    streamCounts: values.streams.split(",").map((count) => parseCount("--streams", count)),
    seconds: parseCount("--seconds", values.seconds),
    directory: values.dir,
    output: parseOutput(values.output),
  };
}

function parseLimit(text: string): number {
  const limit = parseRate(text);
  if (limit === undefined) throw new Error(`--limits ${text}: not a rate`);
  return limit;
}
