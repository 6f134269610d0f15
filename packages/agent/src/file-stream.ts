import { BackupStream } from "./backup-stream.ts";
import { FileReader } from "./file-reader.ts";
import { FileWriter } from "./file-writer.ts";
import { LaterFile } from "./later-file.ts";
import type { MadeRecord } from "./made.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { RestoreStream } from "./restore-stream.ts";
import type { AgentStream } from "./stream.ts";
import type { StreamPlan } from "./stream-plan.ts";

/** Regular files can be read again, but a collected one is small: a report, a list, a log. */
const FILE_REPLAY_BYTES = 4 * 1024 * 1024;

/** A regular file as a stream: read in a backup, written (and noted in `record`) in a restore. */
export async function openFileStream(plan: StreamPlan, record: MadeRecord): Promise<AgentStream> {
  if (plan.direction === "backup") return plan.afterTool ? readLater(plan) : await readNow(plan);
  const writer = await FileWriter.create(plan.path, plan.mode, record);
  const stream = new RestoreStream(plan.codec, () => Promise.resolve(writer));
  // Also if no mover has ever called, so that the stream has not seen it.
  stream.done.catch(() => writer[Symbol.asyncDispose]()).catch(() => {}); // it is in the journal
  return stream;
}

async function readNow({ path, ...form }: StreamPlan): Promise<AgentStream> {
  return new BackupStream(await FileReader.open(path), form, createBudget());
}

/** Once the tool has ended there is nobody left to be graceful with. */
function readLater({ path, ...form }: StreamPlan): AgentStream {
  const file = new LaterFile(path);
  const stream = new BackupStream(file, form, createBudget());
  return {
    opened: stream.opened,
    done: stream.done,
    pace: stream.pace,
    get moved() {
      return stream.moved;
    },
    accept: (channel, open) => stream.accept(channel, open),
    toolEnded: () => file.toolEnded(),
    letEnd: () => {},
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

function createBudget(): MemoryBudget {
  return new MemoryBudget(FILE_REPLAY_BYTES, FILE_REPLAY_BYTES);
}
