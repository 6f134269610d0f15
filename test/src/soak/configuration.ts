import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plans } from "../harness/cluster.ts";
import type { Ground } from "./ground.ts";
import type { RunFault, RunPlan, StreamPlan, ToolFault } from "./round-plan.ts";
import { dumpScript, loadScript } from "./scripts.ts";

/** A run as it is configured. */
export interface ConfiguredRun {
  readonly run: RunPlan;
  /** Name of its target. */
  readonly target: string;
}

const HANG_TIMEOUT = "3s";
const STALL_TIMEOUT = "60s";

/** Writes the tools of a run, and returns its plan for `penstock.yaml`. */
async function planOf(ground: Ground, configured: ConfiguredRun): Promise<object> {
  const { run, target } = configured;
  const { streams } = run;
  const { compression, leaseMs, segmentSize, throttle } = run.settings;
  await writeTools(ground, run);
  const pipes = streams.filter(({ kind }) => kind === "fifo").map(pathOf);
  const tool = (name: string): object => ({
    tool: "sh",
    args: [`${toolFolder(ground, run)}/${name}-{host}.sh`, ...pipes],
    env: { SOAK_HOST: "{root}" }, // by it whatever a tool has started is found
  });
  const producer = {
    type: "command",
    hosts: ground.cluster.hosts.map(({ name, root }) => ({ name, vars: { root } })),
    streams: streams.map(toConfigured),
    backup: tool("dump"),
    restore: tool("load"),
  };
  const times = { lease: `${leaseMs}ms`, grace: "5s", stall_timeout: stallTimeout(run.fault) };
  return { producer, targets: [target], compression, segmentSize, throttle, ...times };
}

/** Writes the configuration of a round. */
export async function configure(
  ground: Ground,
  runs: readonly ConfiguredRun[],
  targets: NonNullable<Plans["targets"]>,
): Promise<void> {
  const plans: [string, object][] = [];
  for (const each of runs) plans.push([each.run.plan, await planOf(ground, each)]);
  await ground.configure({ plans: Object.fromEntries(plans), targets });
}

/** Where a restore of this run leaves the streams of a host; see `loadScript`. */
export function outFolder(ground: Ground, { plan }: RunPlan, host: string): string {
  return join(ground.dir, "out", plan, host);
}

/** Empties the folders that a restore writes to, and writes the scripts. */
async function writeTools(ground: Ground, run: RunPlan): Promise<void> {
  const { streams } = run;
  const folder = toolFolder(ground, run);
  await mkdir(folder, { recursive: true });
  for (const { name: host } of ground.cluster.hosts) {
    const out = outFolder(ground, run, host);
    await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    const plan = { host, streams, fault: toolFaultOn(host, streams.length, run.fault) };
    await writeFile(join(folder, `dump-${host}.sh`), dumpScript(plan, ground.pool.path));
    await writeFile(join(folder, `load-${host}.sh`), loadScript(plan, out));
  }
}

function toConfigured(stream: StreamPlan): object {
  const { name, kind } = stream;
  const path = kind === "fifo" ? { path: pathOf(stream) } : {};
  return { name: `${name}-{host}`, kind, ...path };
}

function pathOf({ name }: StreamPlan): string {
  return `{root}/{set}/${name}.pipe`;
}

function toolFolder(ground: Ground, { plan }: RunPlan): string {
  return join(ground.dir, "tools", plan);
}

function stallTimeout(fault: RunFault | undefined): string {
  return fault?.kind === "tool hangs" ? HANG_TIMEOUT : STALL_TIMEOUT;
}

/** The planned fault of a tool, if it is to happen on this host. A set may have fewer streams. */
function toolFaultOn(
  host: string,
  streams: number,
  fault: RunFault | undefined,
): ToolFault | undefined {
  if (fault === undefined || !("piece" in fault) || fault.host !== host) return undefined;
  return { ...fault, stream: fault.stream % streams };
}
