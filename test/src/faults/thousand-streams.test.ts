import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PeakWatch } from "../bench/peak-watch.ts";
import { peakBytes } from "../bench/process-cost.ts";
import { Cluster } from "../harness/cluster.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";

const HOSTS = ["sdw1", "sdw2", "sdw3", "sdw4"];
const STREAMS_PER_HOST = 250;
const STREAM_BYTES = 1024 * 1024;
/** How many pipes a tool has open at a time, as a dump of so many tables has. */
const JOBS = 16;
/** Twenty times what it takes: so many processes leave a busy machine no room. */
const LIMIT_MS = 1_200_000;
const MIB = 1024 * 1024;

guardChildren();
const signal = AbortSignal.timeout(LIMIT_MS);
const stack = new AsyncDisposableStack();
const digests = new Map(HOSTS.flatMap(namesOn).map((name) => [name, digestOf(name)]));
let dir: string;
let cluster: Cluster;

beforeAll(async () => {
  dir = stack.use(await TempDir.create()).path;
  cluster = stack.use(await Cluster.start({ dir, hosts: HOSTS, tools: { sh: "/bin/sh" } }, signal));
  for (const host of HOSTS) await mkdir(outOf(host));
  await cluster.configure({ plans: { wide: widePlan() } });
}, LIMIT_MS);
afterAll(() => stack.disposeAsync());

test(
  "1,000 streams of four hosts are one backup set, and come back",
  async ({ annotate }) => {
    const backup = await measure("backup", "wide", "-o", "json");
    await annotate(backup.cost);
    const { streams } = toManifest(backup.stdout);
    expect(streams).toHaveLength(HOSTS.length * STREAMS_PER_HOST);
    const stored = streams.map(({ name, sha256Raw }) => [name, sha256Raw] as const);
    expect(new Map(stored)).toEqual(digests);
    await annotate((await measure("verify", "LATEST")).cost);
    await annotate((await measure("list")).cost);
    await annotate((await measure("show", "LATEST", "-o", "json")).cost);
    await annotate((await measure("restore", "wide", "--set", "LATEST", "-o", "json")).cost);
    for (const host of HOSTS) {
      expect((await readdir(outOf(host))).sort()).toEqual(namesOn(host));
      for (const name of namesOn(host)) {
        const said = await readFile(join(outOf(host), name), "utf8");
        expect(said.slice(0, 64), name).toBe(digests.get(name));
      }
    }
    expect(await cluster.leftOvers()).toEqual([]);
  },
  LIMIT_MS,
);

/** Each host's tool writes 250 pipes with bytes of their own, and reads them back into digests. */
function widePlan(): object {
  const numbers = Array.from({ length: STREAMS_PER_HOST }, (_, index) => numbered(index));
  const each = (script: string): object => ({
    tool: "sh",
    args: ["-c", `printf '%s\\n' ${numbers.join(" ")} | xargs -P ${JOBS} -I% sh -c '${script}'`],
  });
  return {
    producer: {
      type: "command",
      hosts: HOSTS.map((name) => ({
        name,
        vars: { root: cluster.host(name).root, out: outOf(name) },
      })),
      streams: numbers.map((number) => ({
        name: `${number}-{host}`,
        kind: "fifo",
        path: `{root}/{set}/${number}-{host}`,
      })),
      backup: each(`yes %-{host} | head -c ${STREAM_BYTES} > {root}/{set}/%-{host}`),
      restore: each("sha256sum < {root}/{set}/%-{host} > {out}/%-{host}"),
    },
    targets: ["local"],
    compression: "none",
    lease: "5m",
  };
}

/** Runs a command that must succeed; `cost` says how long it took, and the peaks of memory. */
async function measure(...args: string[]): Promise<{ stdout: string; cost: string }> {
  const beganMs = performance.now();
  await using command = await cluster.startPenstock(args, signal);
  using controller = new PeakWatch(() => [command.pid]);
  const { status, stdout, stderr } = await command.outcome;
  expect(status, stderr).toBe(0);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  const agents = cluster.hosts.map(({ child }) => toMib(peakBytes(child.pid)));
  return {
    stdout,
    cost: `${args[0]}: ${seconds} s; peak memory: controller ${toMib(controller.total())}, agents ${agents.join(", ")}`,
  };
}

function outOf(host: string): string {
  return join(dir, "hosts", host, "out");
}

function namesOn(host: string): string[] {
  return Array.from({ length: STREAMS_PER_HOST }, (_, index) => `${numbered(index)}-${host}`);
}

function numbered(index: number): string {
  return `s${String(index).padStart(3, "0")}`;
}

/** Of what the tool writes: the stream's name on every line. */
function digestOf(name: string): string {
  const text = `${name}\n`.repeat(Math.ceil(STREAM_BYTES / (name.length + 1)));
  return createHash("sha256").update(text.slice(0, STREAM_BYTES)).digest("hex");
}

/** The last line of a backup's report. */
function toManifest(stdout: string): Manifest {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

function toMib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
