import { type GreenplumState, readState } from "./state.ts";

/** No tool of a test lives longer, whatever happens. */
const LIFE_LIMIT_MS = 15 * 60_000;

/** Runs a tool; `main` returns its exit status. */
export async function runTool(
  main: (state: GreenplumState, args: readonly string[]) => Promise<number>,
): Promise<never> {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), LIFE_LIMIT_MS).unref();
  process.exit(await main(await readState(), process.argv.slice(2)));
}
