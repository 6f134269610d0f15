import { performance } from "node:perf_hooks";
import type { Child } from "../harness/child.ts";
import { success } from "./children.ts";
import type { Job, Sample } from "./contender.ts";
import { assertSizes, makeFifos, startWriter } from "./job-files.ts";
import { PeakWatch } from "./peak-watch.ts";
import { cpuSeconds, endedChildrenCpuSeconds } from "./process-cost.ts";

/** The processes of one stream of a shell pipeline. */
export interface Pipeline {
  /** Reads the FIFO. */
  readonly sender: Child;
  /** Writes the file; undefined if a server does that for all streams. */
  readonly receiver?: Child;
}

/** What differs between the pipelines. */
export interface PipelineKind {
  /** Starts one pipeline, held by `children`; returns when its connection stands. */
  connect(
    fifo: string,
    file: string,
    children: AsyncDisposableStack,
    signal: AbortSignal,
  ): Promise<Pipeline>;
  /** The process whose children write the files of all streams, if there is one. */
  readonly serverPid?: number;
  /** Waits until the server has let go of finished connections, so that their cost is known. */
  settle?(signal: AbortSignal): Promise<void>;
}

/** Moves a job through one shell pipeline per stream. */
export async function runPipelines(
  kind: PipelineKind,
  job: Job,
  signal: AbortSignal,
): Promise<Sample> {
  const fifos = await makeFifos(job, signal);
  const files = fifos.map((fifo) => `${fifo}.out`);
  const cpuBefore = totalCpuSeconds(kind);
  const pipelines: Pipeline[] = [];
  using senders = new PeakWatch(() => pipelines.map(({ sender }) => sender.pid));
  using receivers = new PeakWatch(() => receiverPids(kind, pipelines));
  await using children = new AsyncDisposableStack();
  const commandStart = performance.now();
  for (const [i, fifo] of fifos.entries()) {
    pipelines.push(await kind.connect(fifo, files[i] ?? "", children, signal));
  }
  const start = performance.now();
  const writer = children.use(await startWriter(job, fifos, signal));
  await allSucceed(writer, pipelines, signal);
  const end = performance.now();
  await kind.settle?.(signal);
  await assertSizes(job, files);
  return {
    bytes: job.streams * job.bytesPerStream,
    seconds: (end - start) / 1000,
    commandSeconds: (end - commandStart) / 1000,
    cpuSeconds: totalCpuSeconds(kind) - cpuBefore,
    senderPeakBytes: senders.total(),
    receiverPeakBytes: receivers.total(),
  };
}

/** Waits for every process; the first one that fails is the error. */
async function allSucceed(
  writer: Child,
  pipelines: readonly Pipeline[],
  signal: AbortSignal,
): Promise<void> {
  const ends = pipelines.flatMap(({ sender, receiver }) => [
    success("sender", sender, signal),
    receiver && success("receiver", receiver, signal),
  ]);
  await Promise.all([success("writer", writer, signal), ...ends]);
}

function receiverPids({ serverPid }: PipelineKind, pipelines: readonly Pipeline[]): number[] {
  const receivers = pipelines.flatMap(({ receiver }) => receiver?.pid ?? []);
  return serverPid === undefined ? receivers : [serverPid, ...receivers];
}

/** Everything that ran below the benchmark and has ended, and the server that has not. */
function totalCpuSeconds({ serverPid }: PipelineKind): number {
  return endedChildrenCpuSeconds() + (serverPid === undefined ? 0 : cpuSeconds(serverPid));
}
