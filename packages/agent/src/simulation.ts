/** What the simulation of the stream protocol runs of an agent. No program imports it. */
export { type BackupSource, BackupStream } from "./backup-stream.ts";
export { MemoryBudget } from "./memory-budget.ts";
export { type RestoreSink, RestoreStream } from "./restore-stream.ts";
