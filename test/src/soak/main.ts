import { join } from "node:path";
import { stderr, stdout } from "node:process";
import { toError } from "@penstock/common";
import { TempDir } from "../harness/temp-dir.ts";
import { Ground } from "./ground.ts";
import { parseOptions, type SoakOptions, USAGE } from "./options.ts";
import { toAlarm, toJson, toLine, toText } from "./report.ts";
import { type OnRound, soak } from "./soak.ts";
import type { Tally } from "./tally.ts";

const HOSTS = ["sdw1", "sdw2", "sdw3"];

process.exitCode = await main(process.argv.slice(2));

/** Returns the exit status: 0 only if nothing was violated. */
async function main(args: readonly string[]): Promise<number> {
  let options: SoakOptions;
  try {
    options = parseOptions(args);
  } catch (thrown) {
    stderr.write(`error: ${toError(thrown).message}\n${USAGE}`);
    return 2;
  }
  try {
    const tally = await soakIn(await TempDir.create("penstock-soak-"), options, untilInterrupted());
    stdout.write(options.output === "json" ? toJson(tally) : toText(tally));
    return tally.violations.length === 0 ? 0 : 1;
  } catch (thrown) {
    stderr.write(`error: ${toError(thrown).message}\n`);
    return 1;
  }
}

/** The folder stays if there is something to look at in it. */
async function soakIn(dir: TempDir, options: SoakOptions, signal: AbortSignal): Promise<Tally> {
  const { seed } = options;
  const { NODE_COMPILE_CACHE = join(dir.path, "compiled") } = process.env;
  Object.assign(process.env, { NODE_COMPILE_CACHE }); // for hundreds of short commands
  let isClean = true;
  const onRound: OnRound = (plan, result) => {
    stderr.write(toLine(plan, result));
    isClean &&= result.problems.length === 0;
    for (const problem of result.problems) {
      stderr.write(toAlarm(seed, { round: plan.number, problem }));
    }
  };
  try {
    stderr.write(`soak of seed ${seed} in ${dir.path}\n`);
    await using ground = await Ground.open({ dir: dir.path, hosts: HOSTS, seed }, signal);
    return await soak(options, ground, onRound, signal);
  } catch (error) {
    isClean &&= signal.aborted;
    throw error;
  } finally {
    if (isClean) await dir[Symbol.asyncDispose]();
    else stderr.write(`${dir.path} is kept, with what was planned and said in evidence\n`);
  }
}

/** Aborts at Ctrl-C, so that everything is ended. */
function untilInterrupted(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
  }
  return interrupt.signal;
}
