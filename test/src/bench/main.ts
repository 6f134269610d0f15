import { stderr, stdout } from "node:process";
import { formatRate, toError } from "@penstock/common";
import { benchStreams } from "./bench-streams.ts";
import { benchFrames } from "./frame-copies.ts";
import type { Measurement } from "./measure.ts";
import { parseOptions, USAGE } from "./options.ts";
import { benchPlugin } from "./plugin.ts";
import { toJson, toText } from "./report.ts";
import { benchRtt } from "./rtt.ts";
import { benchThrottle, type ThrottleSample } from "./throttle.ts";
import { parseThrottleOptions } from "./throttle-options.ts";
import { errorText, throttleJson, throttleText } from "./throttle-report.ts";

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "frames") {
    stdout.write(benchFrames());
    return;
  }
  if (args[0] === "rtt") return await printOrFail(() => benchRtt(untilInterrupted()));
  if (args[0] === "plugin") return await printOrFail(() => benchPlugin(untilInterrupted()));
  if (args[0] === "throttle") return await measureThrottle(args.slice(1));
  const options = readOptions(parseOptions, args);
  if (options === undefined) return;
  await printOrFail(async () => {
    const result = await benchStreams(options, reportProgress, untilInterrupted());
    return options.output === "json" ? toJson(result) : toText(result);
  });
}

async function measureThrottle(args: readonly string[]): Promise<void> {
  const options = readOptions(parseThrottleOptions, args);
  if (options === undefined) return;
  await printOrFail(async () => {
    const samples = await benchThrottle(options, reportSample, untilInterrupted());
    return options.output === "json" ? throttleJson(samples) : throttleText(samples);
  });
}

async function printOrFail(measure: () => Promise<string>): Promise<void> {
  try {
    stdout.write(await measure());
  } catch (thrown) {
    stderr.write(`error: ${toError(thrown).message}\n`);
    process.exitCode = 1;
  }
}

function readOptions<T>(
  parse: (args: readonly string[]) => T,
  args: readonly string[],
): T | undefined {
  try {
    return parse(args);
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

function reportSample({ direction, streams, limit, rate }: ThrottleSample): void {
  const what = `${direction}, ${streams} ${streams === 1 ? "stream" : "streams"}`;
  stderr.write(`${what}, limit ${formatRate(limit)}: ${errorText({ limit, rate })}\n`);
}
