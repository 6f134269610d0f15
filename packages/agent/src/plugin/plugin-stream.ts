import type { CodecName } from "@penstock/common";
import { type BackupForm, BackupStream } from "../backup-stream.ts";
import type { MemoryBudget } from "../memory-budget.ts";
import { RestoreStream } from "../restore-stream.ts";
import type { AgentStream } from "../stream.ts";
import type { PluginJob } from "./plugin-job.ts";
import { PluginSink } from "./plugin-sink.ts";
import { PluginSource } from "./plugin-source.ts";

/** What a stream for a plugin process is opened with. */
export interface PluginStreamSettings extends BackupForm {
  readonly answerLater: boolean;
}

/**
 * Serves a plugin process by a stream. The process hears how it ended: in a backup when every byte is
 * durable, in a restore when every byte was right.
 */
export function openPluginStream(
  job: PluginJob,
  { answerLater, ...form }: PluginStreamSettings,
  budget: MemoryBudget,
): AgentStream {
  job.begin(answerLater);
  const stream = job.direction === "backup" ? backup(job, form, budget) : restore(job, form.codec);
  stream.done.catch((error: unknown) => job.fail(error));
  return stream;
}

function backup(job: PluginJob, form: BackupForm, budget: MemoryBudget): AgentStream {
  const stream = new BackupStream(new PluginSource(job), form, budget);
  void stream.taken.then(() => job.taken());
  return stream;
}

function restore(job: PluginJob, codec: CodecName): AgentStream {
  return new RestoreStream(codec, (signal) => Promise.resolve(new PluginSink(job, signal)));
}
