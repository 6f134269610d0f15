import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Child } from "../harness/child.ts";
import { Cluster } from "../harness/cluster.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { findMissing } from "../network/find-missing.ts";
import { Network } from "../network/network.ts";
import { runProgram, success } from "./children.ts";
import { createSeed, type Seed } from "./seed.ts";
import { textTable } from "./text-table.ts";

/** Between the agent and the controller. */
const RTT_MS = 20;
const HOST = "sdw1";
const MIB = 2 ** 20;
const PENSTOCK_BYTES = 1024 * MIB;
const PLAIN_BYTES = 24 * MIB;
/** Jumbo frames: the delay program hands on frame by frame, and must not be what is measured. */
const MTU = 9000;
const PLAIN_CALL = join(import.meta.dirname, "plain-call.ts");

/** MB/s (10^6 bytes) of one stream. */
interface Rates {
  readonly backup: number;
  readonly restore: number;
}

/**
 * What one stream makes over a long link: Penstock, and a gRPC call with the windows that HTTP/2
 * begins with. Returns a table. Throws, and says what is missing, where no such link can be made.
 */
export async function benchRtt(signal: AbortSignal): Promise<string> {
  const missing = await findMissing(signal);
  if (missing !== undefined) throw new Error(`no long link can be made here: ${missing}`);
  await using folder = await TempDir.create("penstock-bench-rtt-");
  await using network = await Network.create({ hosts: [HOST], mtu: MTU }, signal);
  await network.delay(HOST, { rttMs: RTT_MS }, signal);
  await using seed = await createSeed(PENSTOCK_BYTES);
  const plain = await plainRates(network, signal);
  const penstock = await penstockRates(network, folder.path, seed, signal);
  return toTable({ penstock, plain });
}

function toTable({ penstock, plain }: Readonly<Record<"penstock" | "plain", Rates>>): string {
  const row = (name: string, { backup, restore }: Rates, digits: number): string[] => [
    name,
    backup.toFixed(digits),
    restore.toFixed(digits),
  ];
  const ratio = {
    backup: penstock.backup / plain.backup,
    restore: penstock.restore / plain.restore,
  };
  return textTable(
    [`one stream, ${RTT_MS} ms round trip`, "backup", "restore"],
    [
      row("penstock, MB/s", penstock, 1),
      row("gRPC with HTTP/2's windows, MB/s", plain, 1),
      row("ratio", ratio, 0),
    ],
  );
}

/** The call is made by the controller: it receives in a backup and sends in a restore. */
async function plainRates(network: Network, signal: AbortSignal): Promise<Rates> {
  const node = [process.execPath, "--conditions=source", PLAIN_CALL];
  const { address, launcher } = network.place(HOST);
  const [program = "", ...serve] = [...launcher, ...node, "serve", address];
  await using server = await Child.start(program, serve, {}, signal);
  const [, port] = await server.stdout.waitFor(/port (\d+)/, signal);
  const rate = async (direction: "down" | "up"): Promise<number> => {
    const words = [...node, direction, `${address}:${port}`, String(PLAIN_BYTES)];
    const [command = "", ...args] = [...network.place("controller").launcher, ...words];
    const said = await runProgram(command, args, signal);
    return PLAIN_BYTES / Number(said.replace("seconds ", "")) / 1e6;
  };
  return { backup: await rate("down"), restore: await rate("up") };
}

async function penstockRates(
  network: Network,
  dir: string,
  seed: Seed,
  signal: AbortSignal,
): Promise<Rates> {
  const tools = { sh: "/bin/sh" };
  await using cluster = await Cluster.start({ dir, hosts: [HOST], tools, network }, signal);
  await cluster.configure({ plans: { long: plan(cluster.host(HOST).root, dir, seed) } });
  await using backup = await cluster.startPenstock(["backup", "long"], signal);
  await success("penstock backup", backup, signal);
  const begun = (await stat(join(dir, "backup"))).mtimeMs;
  const committed = (await stat(await manifestOf(cluster))).mtimeMs;
  await using restore = await cluster.startPenstock(["restore", "long", "--set", "LATEST"], signal);
  await success("penstock restore", restore, signal);
  const [first = 0, last = 0] = (await readFile(join(dir, "restore"), "utf8")).split("\n");
  return {
    backup: PENSTOCK_BYTES / (committed - begun) / 1e3,
    restore: PENSTOCK_BYTES / (Number(last) - Number(first)) / 1e6,
  };
}

/** The tools note when they begin; the consumer also when it has all. */
function plan(root: string, dir: string, { path, bytes }: Seed): object {
  const pipe = "{root}/{set}/long.pipe";
  const copies = Array(PENSTOCK_BYTES / bytes).fill(`'${path}'`);
  const shell = (script: string): object => ({ tool: "sh", args: ["-c", script, "sh", pipe] });
  const now = `date +%s.%N >> '${join(dir, "restore")}'`;
  return {
    producer: {
      type: "command",
      hosts: [{ name: HOST, vars: { root } }],
      streams: [{ name: "long", kind: "fifo", path: pipe }],
      backup: shell(`touch '${join(dir, "backup")}'; cat ${copies.join(" ")} > "$1"`),
      restore: shell(`exec < "$1"; ${now}; cat > /dev/null; ${now}`),
    },
    targets: ["local"],
    compression: "none",
  };
}

async function manifestOf({ store }: Cluster): Promise<string> {
  const names = await readdir(store, { recursive: true });
  const manifest = names.find((name) => name.endsWith("/manifest.json"));
  if (manifest === undefined) throw new Error("the command succeeded without a manifest");
  return join(store, manifest);
}
