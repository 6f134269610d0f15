import { join } from "node:path";
import { Cluster } from "../harness/cluster.ts";
import type { PostgresServers } from "../postgres/servers.ts";
import { issueCertificates } from "./certificates.ts";
import { toComparisonLines } from "./comparison.ts";
import { compareServers, fillServers, HOST_NAMES, startServers } from "./databases.ts";
import { type DumpCommands, findDumpCommands } from "./dump-commands.ts";
import type { Narrator } from "./narrator.ts";
import { toPlan } from "./plan.ts";

/** Where the demo takes place. */
export interface Stage {
  /** Configuration, certificates and the backup set are left in it. */
  readonly dir: string;
  /** For the servers' data; any user may enter it. */
  readonly dataDir: string;
}

/** How the demo ended. */
export interface Ending {
  /** Whether every restored table equals its original. */
  readonly isEqual: boolean;
  /** A shell command that shows something of a dump on its standard input. */
  readonly inspect: string;
}

/**
 * A backup and a restore from beginning to end, on real servers. Throws if a command fails.
 * Whatever happens, nothing is left running.
 */
export async function tellStory(
  narrator: Narrator,
  { dir, dataDir }: Stage,
  signal: AbortSignal,
): Promise<Ending> {
  narrator.step("Four hosts: a coordinator and three segments, each a PostgreSQL server");
  await using original = await startOriginals(narrator, join(dataDir, "original"), signal);
  const commands = await findDumpCommands(original.binaries, dataDir, signal);

  narrator.step("An agent on each host, with certificates of the cluster's own authority");
  await using cluster = await startAgents(narrator, dir, commands, signal);

  narrator.step("Empty servers to restore into, and the plan");
  await using empty = await narrator.timed(
    "four empty servers started",
    startServers(join(dataDir, "empty"), signal),
  );
  await cluster.configure({ plans: { nightly: toPlan({ dir, commands, original, empty }) } });
  narrator.say(`plan "nightly": ${commands.description}, one pipe on each host, zstd`);
  const penstock = async (...args: string[]): Promise<void> => {
    await narrator.penstock(args, { hidden: ["--config", cluster.configFile] }, signal);
  };

  narrator.step("The backup: every reader is attached before any dump starts");
  await penstock("check");
  await penstock("plan", "nightly");
  await penstock("backup", "nightly");

  narrator.step("What was stored, read back and checked");
  await penstock("list");
  await penstock("show", "LATEST");
  await penstock("verify", "LATEST");

  narrator.step("The restore into the empty servers");
  await penstock("restore", "nightly", "--set", "LATEST");

  narrator.step("Every table, compared by row count and checksum");
  const isEqual = await compare(narrator, original, empty, signal);
  return { isEqual, inspect: commands.inspect };
}

async function startOriginals(
  narrator: Narrator,
  dir: string,
  signal: AbortSignal,
): Promise<PostgresServers> {
  await using started = new AsyncDisposableStack();
  const servers = await narrator.timed("four servers started", startServers(dir, signal));
  started.use(servers);
  const { majorVersion, origin } = servers.binaries;
  const ports = servers.all.map(({ name, port }) => `${name} on port ${port}`);
  narrator.say(`PostgreSQL ${majorVersion} (${origin}): ${ports.join(", ")}`);
  await narrator.timed("filled with rows", fillServers(servers, signal));
  started.move();
  return servers;
}

async function startAgents(
  narrator: Narrator,
  dir: string,
  { tools }: DumpCommands,
  signal: AbortSignal,
): Promise<Cluster> {
  const certificates = join(dir, "pki");
  await issueCertificates(narrator, certificates, signal);
  const options = { dir, hosts: HOST_NAMES, tools, certificates };
  return await narrator.timed("four agents started", Cluster.start(options, signal));
}

async function compare(
  narrator: Narrator,
  original: PostgresServers,
  restored: PostgresServers,
  signal: AbortSignal,
): Promise<boolean> {
  const tables = await narrator.timed("compared", compareServers(original, restored, signal));
  for (const line of toComparisonLines(tables)) narrator.say(line);
  return tables.every(({ isEqual }) => isEqual);
}
