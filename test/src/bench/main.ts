import { stderr, stdout } from "node:process";
import { toError } from "@penstock/common";
import { benchStreams } from "./bench-streams.ts";
import { benchFrames } from "./frame-copies.ts";
import type { Measurement } from "./measure.ts";
import { type BenchOptions, parseOptions, USAGE } from "./options.ts";
import { toJson, toText } from "./report.ts";

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "frames") {
    stdout.write(benchFrames());
    return;
  }
  const options = readOptions(args);
  if (options === undefined) return;
  try {
    const result = await benchStreams(options, reportProgress, untilInterrupted());
    stdout.write(options.output === "json" ? toJson(result) : toText(result));
  } catch (thrown) {
    stderr.write(`error: ${toError(thrown).message}\n`);
    process.exitCode = 1;
  }
}

function readOptions(args: readonly string[]): BenchOptions | undefined {
  try {
    return parseOptions(args);
  } catch (thrown) {
    stderr.write(`error: ${toError(thrown).message}\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

/** Aborts at Ctrl-C, so that everything is cleaned up. */
function untilInterrupted(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
  }
  return interrupt.signal;
}

function reportProgress({ contender, streams, bytes, seconds }: Measurement): void {
  const rate = (bytes / seconds / 1e6).toFixed(0);
  stderr.write(`${contender}, ${streams} ${streams === 1 ? "stream" : "streams"}: ${rate} MB/s\n`);
}
