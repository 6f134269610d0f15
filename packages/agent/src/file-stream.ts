import { BackupStream } from "./backup-stream.ts";
import { FileReader } from "./file-reader.ts";
import { FileWriter } from "./file-writer.ts";
import type { MadeRecord } from "./made.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { RestoreStream } from "./restore-stream.ts";
import type { AgentStream } from "./stream.ts";
import type { StreamPlan } from "./stream-plan.ts";

/** Regular files can be read again, but a collected one is small: a report, a list, a log. */
const FILE_REPLAY_BYTES = 4 * 1024 * 1024;

/** A regular file as a stream: read in a backup, written (and noted in `record`) in a restore. */
export async function openFileStream(plan: StreamPlan, record: MadeRecord): Promise<AgentStream> {
  if (plan.direction === "backup") return await openReader(plan);
  const writer = await FileWriter.create(plan.path, plan.mode, record);
  return new RestoreStream(plan.codec, () => Promise.resolve(writer));
}

async function openReader({ path, codec }: StreamPlan): Promise<AgentStream> {
  const reader = await FileReader.open(path);
  const source = {
    chunks: (signal: AbortSignal) => reader.chunks(signal),
    opened: Promise.resolve(),
    expectNoWriter: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
  return new BackupStream(source, codec, new MemoryBudget(FILE_REPLAY_BYTES, FILE_REPLAY_BYTES));
}
