import { type GreenplumState, readState } from "./state.ts";

/** No tool of a test lives longer, whatever happens. */
const LIFE_LIMIT_MS = 15 * 60_000;

/** Runs a tool; `main` returns its exit status. */
export async function runTool(
  main: (state: GreenplumState, args: readonly string[]) => Promise<number>,
): Promise<never> {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), LIFE_LIMIT_MS).unref();
  const status = await main(await readState(), process.argv.slice(2));
  // What a full pipe has not taken yet would be lost.
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(status);
}
