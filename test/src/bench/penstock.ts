import { appendFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Cluster } from "../harness/cluster.ts";
import { success } from "./children.ts";
import type { Contender, Job, Sample } from "./contender.ts";
import { assertSizes, startedMark, WRITER, writerArguments } from "./job-files.ts";
import { PeakWatch } from "./peak-watch.ts";
import { cpuSeconds, endedChildrenCpuSeconds, peakBytes, residentBytes } from "./process-cost.ts";

/** How many threads move bytes on either side. */
export interface Threads {
  readonly agent: number;
  readonly movers: number;
}

/** The one host and the one plan of the benchmark's cluster. */
const HOST = "bench";
const PLAN = "bench";

/**
 * `penstock backup` with a real agent: mutual TLS, every frame checked, digests at both ends, files
 * forced to the disk and one manifest. Every run has a fresh agent, so that its peak is the run's.
 */
export function createPenstock(threads: Threads): Contender {
  return {
    name: contenderName(threads),
    run: (job, signal) => runPenstock(threads, job, signal),
  };
}

/** E.g. `penstock 2+1`: two threads in the agent, one mover in the controller. */
export function contenderName({ agent, movers }: Threads): string {
  return `penstock ${agent}+${movers}`;
}

async function runPenstock(threads: Threads, job: Job, signal: AbortSignal): Promise<Sample> {
  await using cluster = await startCluster(threads, job, signal);
  const agent = cluster.host(HOST).child.pid;
  const totalCpuSeconds = (): number => cpuSeconds(agent) + endedChildrenCpuSeconds();
  const idleAgentBytes = residentBytes(agent);
  const cpuBefore = totalCpuSeconds();
  const start = performance.now();
  await using command = await cluster.startPenstock(["backup", PLAN, "-o", "json"], signal);
  using controller = new PeakWatch(() => [command.pid]);
  await success("penstock backup", command, signal);
  const commandSeconds = (performance.now() - start) / 1000;
  return {
    bytes: job.streams * job.bytesPerStream,
    seconds: await transferSeconds(cluster, job),
    commandSeconds,
    cpuSeconds: totalCpuSeconds() - cpuBefore,
    senderPeakBytes: peakBytes(agent),
    receiverPeakBytes: controller.total(),
    idleAgentBytes,
  };
}

async function startCluster(threads: Threads, job: Job, signal: AbortSignal): Promise<Cluster> {
  const cluster = await Cluster.start(
    {
      dir: join(job.directory, "cluster"),
      hosts: [HOST],
      tools: { write: WRITER },
      agentSettings: { threads: threads.agent },
    },
    signal,
  );
  await cluster.configure({ plans: { [PLAN]: plan(job, cluster.host(HOST).root) } });
  await appendFile(cluster.configFile, `movers: ${threads.movers}\n`);
  return cluster;
}

/** The tool is started when every reader is attached; what it writes goes into all FIFOs at once. */
function plan(job: Job, root: string): object {
  const names = Array.from({ length: job.streams }, (_, i) => `stream-${i}`);
  const pathOf = (name: string): string => `${root}/{set}/${name}.pipe`;
  return {
    producer: {
      type: "command",
      hosts: [HOST],
      streams: names.map((name) => ({ name, kind: "fifo", path: pathOf(name) })),
      backup: { tool: "write", args: writerArguments(job, names.map(pathOf)) },
    },
    targets: ["local"],
    compression: "none",
  };
}

/** From the tool's first act to the manifest, by the times of the files that they made. */
async function transferSeconds(cluster: Cluster, job: Job): Promise<number> {
  const entries = await readdir(cluster.store, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  const manifest = paths.find((path) => path.endsWith("/manifest.json"));
  if (manifest === undefined) throw new Error("the command succeeded without a manifest");
  await assertSizes(
    job,
    paths.filter((path) => /\/stream-\d+$/.test(path)),
  );
  const [started, committed] = await Promise.all([stat(startedMark(job)), stat(manifest)]);
  return (committed.mtimeMs - started.mtimeMs) / 1000;
}
