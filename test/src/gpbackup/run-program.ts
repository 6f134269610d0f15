import { ProgramLog } from "./program-log.ts";
import { type ClusterState, readState } from "./state.ts";
import { Work } from "./work.ts";

/** What every program starts with. */
export interface ProgramContext {
  readonly state: ClusterState;
  readonly log: ProgramLog;
  readonly work: Work;
}

/** Runs gpbackup or gprestore to its exit status, a signal, or its time limit. */
export async function runProgram(
  name: "gpbackup" | "gprestore",
  onSignal: (context: ProgramContext) => Promise<void>,
  main: (context: ProgramContext) => Promise<void>,
): Promise<void> {
  const state = await readState();
  const context = { state, log: new ProgramLog(name, state), work: new Work() };
  setTimeout(() => process.exit(124), state.limitMs).unref();
  const purpose = name === "gpbackup" ? "backup" : "restore";
  const stop = async (what: string): Promise<never> => {
    context.work.isTerminated = true;
    context.log.warning(`Received ${what} signal, aborting ${purpose} process`);
    context.log.info("Beginning cleanup");
    await onSignal(context);
    context.log.info("Cleanup complete");
    process.exit(2);
  };
  process.once("SIGINT", () => void stop("an interrupt"));
  process.once("SIGTERM", () => void stop("a termination"));
  try {
    await main(context);
  } catch (error) {
    context.log.critical(error instanceof Error ? error.message : String(error));
  }
  process.exit(context.log.exitStatus);
}
