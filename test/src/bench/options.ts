import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { parseSize } from "@penstock/common";

/** What to measure and how often. */
export interface BenchOptions {
  /** What all streams of one run carry together. */
  readonly sizeBytes: number;
  readonly repeats: number;
  readonly streamCounts: readonly number[];
  /** Folder for the files; it decides which disk is measured. */
  readonly directory: string;
  readonly output: "text" | "json";
  /** Where to leave V8 CPU profiles of agent and controller; undefined for none. */
  readonly profileDirectory: string | undefined;
}

/** The command line, explained. */
export const USAGE = `usage: npm run bench -- [options]       streams: nc, ssh and Penstock side by side
       npm run bench -- rtt             one stream over a long link; as root
       npm run bench -- plugin          how long a start of gpbackup's plugin takes
       npm run bench -- frames          what encoding and decoding a frame costs
       npm run bench -- throttle        how well limits are kept; options: --limits LIST (default
                                        10MiB/s,200MiB/s), --seconds N (default 10), --streams,
                                        --dir, -o
  --size SIZE       bytes per run, over all streams (default 1GiB), e.g. 512MiB
  --repeats N       runs of each kind, of which the median counts (default 3)
  --streams LIST    numbers of streams (default 1,4)
  --dir DIR         folder on the disk to write to (default: the system's temporary folder)
  --quick           --size 256MiB --repeats 1
  --profile DIR     leave CPU profiles of agent and controller in DIR; slows them down
  -o text|json      form of the result (default text)
`;

/** Reads the command line. Throws an error that says which option is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: "string" },
      repeats: { type: "string" },
      streams: { type: "string", default: "1,4" },
      dir: { type: "string", default: tmpdir() },
      quick: { type: "boolean", default: false },
      profile: { type: "string" },
      output: { type: "string", short: "o", default: "text" },
    },
  });
  return {
    sizeBytes: Number(parseSize(values.size ?? (values.quick ? "256MiB" : "1GiB"))),
    repeats: parseCount("--repeats", values.repeats ?? (values.quick ? "1" : "3")),
    streamCounts: values.streams.split(",").map((count) => parseCount("--streams", count)),
    directory: values.dir,
    output: parseOutput(values.output),
    profileDirectory: values.profile,
  };
}

/** A whole number of an option. */
export function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100) return count;
  throw new Error(`${option} ${text}: not a whole number from 1 to 100`);
}

/** The form of a result. */
export function parseOutput(text: string): "text" | "json" {
  if (text === "text" || text === "json") return text;
  throw new Error(`-o ${text}: neither text nor json`);
}
