import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Child } from "../harness/child.ts";
import { Cluster } from "../harness/cluster.ts";
import { success } from "./children.ts";
import { WRITER } from "./job-files.ts";
import { createSeed, type Seed } from "./seed.ts";
import type { ThrottleOptions } from "./throttle-options.ts";

/** What a throttled run made of its limit. In bytes per second. */
export interface ThrottleSample {
  readonly direction: "backup" | "restore";
  readonly streams: number;
  readonly limit: number;
  readonly rate: number;
}

const HOST = "bench";
const PLAN = "bench";

interface Job {
  readonly limit: number;
  readonly streams: number;
  readonly copies: number;
  readonly seed: Seed;
  readonly directory: string;
}

/**
 * Backs up and restores with every limit and every number of streams. A backup's clock runs from the
 * tool's start until every byte was received and is durable: what is still in the pipes when the tool
 * ends has not been sent. A restore fills its buffers before the tool starts, so its clock runs from
 * the moment when the first mover is attached, until the tool has read everything.
 */
export async function benchThrottle(
  options: ThrottleOptions,
  onDone: (sample: ThrottleSample) => void,
  signal: AbortSignal,
): Promise<ThrottleSample[]> {
  const samples: ThrottleSample[] = [];
  for (const limit of options.limits) {
    for (const streams of options.streamCounts) {
      const measured = await measure(limit, streams, options, signal);
      for (const sample of measured) onDone(sample);
      samples.push(...measured);
    }
  }
  return samples;
}

async function measure(
  limit: number,
  streams: number,
  { seconds, directory: parent }: ThrottleOptions,
  signal: AbortSignal,
): Promise<ThrottleSample[]> {
  await using resources = new AsyncDisposableStack();
  const directory = await mkdtemp(join(parent, "penstock-throttle-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  const streamBytes = Math.ceil((limit * seconds) / streams);
  const seed = resources.use(await createSeed(streamBytes));
  const copies = Math.ceil(streamBytes / seed.bytes);
  const job = { limit, streams, copies, seed, directory };
  const cluster = resources.use(await startCluster(job, signal));
  const bytes = copies * seed.bytes * streams;
  const common = { streams, limit };
  const backup = bytes / (await backupSeconds(cluster, job, signal));
  const restore = bytes / (await restoreSeconds(cluster, job, signal));
  return [
    { direction: "backup", ...common, rate: backup },
    { direction: "restore", ...common, rate: restore },
  ];
}

async function startCluster(job: Job, signal: AbortSignal): Promise<Cluster> {
  const dir = join(job.directory, "cluster");
  const cluster = await Cluster.start({ dir, hosts: [HOST], tools: { sh: "/bin/sh" } }, signal);
  await cluster.configure({ plans: { [PLAN]: plan(job, cluster.host(HOST).root) } });
  return cluster;
}

function plan(job: Job, root: string): object {
  const names = namesOf(job);
  const pathOf = (name: string): string => `${root}/{set}/${name}.pipe`;
  const paths = names.map(pathOf);
  const shell = (script: string, args: readonly string[]): object => ({
    tool: "sh",
    args: ["-c", `set -e; ${script}; : > '${mark(job, "ended")}'`, "sh", ...args],
  });
  const write = [WRITER, mark(job, "started"), job.seed.path, String(job.copies)];
  return {
    producer: {
      type: "command",
      hosts: [HOST],
      streams: names.map((name) => ({ name, kind: "fifo", path: pathOf(name) })),
      backup: shell('"$@"', [...write, ...paths]),
      restore: shell('for pipe; do cat "$pipe" > /dev/null & done; wait', paths),
    },
    targets: ["local"],
    compression: "none",
    throttle: job.limit,
  };
}

function namesOf({ streams }: Job): string[] {
  return Array.from({ length: streams }, (_, index) => `stream-${index}`);
}

async function backupSeconds(cluster: Cluster, job: Job, signal: AbortSignal): Promise<number> {
  await using command = await cluster.startPenstock(["backup", PLAN, "-o", "json"], signal);
  const succeeded = success("penstock backup", command, signal);
  await Promise.race([succeeded, receivedAll(command, job, signal)]);
  const endedMs = Date.now();
  await succeeded;
  return (endedMs - (await madeAtMs(job, "started"))) / 1000;
}

async function receivedAll(command: Child, job: Job, signal: AbortSignal): Promise<void> {
  for (const name of namesOf(job)) {
    await command.stdout.waitFor(new RegExp(`"stream":"${name}".*"state":"received"`), signal);
  }
}

async function restoreSeconds(cluster: Cluster, job: Job, signal: AbortSignal): Promise<number> {
  const args = ["restore", PLAN, "--set", "LATEST", "-o", "json"];
  await using command = await cluster.startPenstock(args, signal);
  await command.stdout.waitFor(/"state":"attached"/, signal);
  const attachedMs = Date.now();
  await success("penstock restore", command, signal);
  return ((await madeAtMs(job, "ended")) - attachedMs) / 1000;
}

async function madeAtMs(job: Job, name: string): Promise<number> {
  return (await stat(mark(job, name))).mtimeMs;
}

/** A file that a tool makes when it gets there. */
function mark({ directory }: Job, name: string): string {
  return join(directory, name);
}
