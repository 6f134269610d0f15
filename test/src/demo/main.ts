import { mkdir, readdir, rm } from "node:fs/promises";
import { constants } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { TempDir } from "../harness/temp-dir.ts";
import { toClosingLines } from "./closing.ts";
import { Narrator } from "./narrator.ts";
import { tellStory } from "./story.ts";

const USAGE = "usage: npm run demo [-- --keep DIR]";
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const stopping = new AbortController();
for (const name of STOP_SIGNALS) process.on(name, () => stopping.abort(name));
process.stdout.on("error", () => stopping.abort("SIGPIPE")); // whoever was reading has gone

process.exitCode = await runDemo(stopping.signal);

/** Shows Penstock at work. Returns the exit status: 0 only if all restored tables are equal. */
async function runDemo(signal: AbortSignal): Promise<number> {
  try {
    const { keep } = parseArgs({ options: { keep: { type: "string" } } }).values;
    return (await demonstrate(keep, signal)) ? 0 : 1;
  } catch (error) {
    if (signal.aborted) {
      console.error(`stopped by ${signal.reason}; nothing is left running`);
      return 128 + constants.signals[signal.reason as NodeJS.Signals];
    }
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    if (isUsageError(error)) console.error(USAGE);
    return isUsageError(error) ? 2 : 1;
  }
}

async function demonstrate(keep: string | undefined, signal: AbortSignal): Promise<boolean> {
  const startedAt = performance.now();
  await using temp = await TempDir.create("penstock-demo-");
  const dir = keep === undefined ? join(temp.path, "demo") : resolve(keep);
  await makeEmpty(dir);
  const narrator = new Narrator();
  narrator.say(`Penstock's demo, in ${dir}`);
  const { isEqual, inspect } = await tellStory(narrator, { dir, dataDir: temp.path }, signal);
  const seconds = (performance.now() - startedAt) / 1000;
  narrator.step(isEqual ? "Done" : "FAILED: a restored table is not what it was");
  const closing = { dir, isKept: keep !== undefined, inspect, seconds };
  for (const line of toClosingLines(closing)) narrator.say(line);
  await rm(join(dir, "hosts"), { recursive: true });
  return isEqual;
}

async function makeEmpty(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) throw new Error(`--keep ${dir}: the folder is not empty`);
}

function isUsageError(error: unknown): boolean {
  return error instanceof TypeError && "code" in error;
}
