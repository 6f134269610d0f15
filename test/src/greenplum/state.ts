import { readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const LOOK_AGAIN_MS = 50;

/** How the tools behave; a test may change it between runs. */
export interface GreenplumSettings {
  /** 4.3 also lists preferred primaries in place of current ones. */
  readonly naming: "4.3" | "5";
  /** How often `gpcrondump` looks whether it may release its lock: five seconds on a real cluster. */
  readonly lockPollMs: number;
  /** Without `-b`, `gpcrondump` then refuses to dump. */
  readonly lacksDiskSpace: boolean;
  /** Dump agents of these contents stand still after a first piece, for as long as they are named. */
  readonly held: readonly number[];
  /** Dump agents of these contents `gp_dump` takes for dead, as a real one does after ten minutes of silence. */
  readonly dead: readonly number[];
}

/** What the tools know of their cluster. They read it from a file. */
export interface GreenplumState {
  /** The tools themselves. */
  readonly bin: string;
  /** Stands for `/tmp`. */
  readonly scratch: string;
  /** Where backends are to be had; see BackendServer. */
  readonly backendSocket: string;
  readonly coordinator: {
    readonly host: string;
    readonly port: number;
    readonly dataDirectory: string;
  };
  readonly postgres: {
    readonly psql: string;
    readonly pg_dump: string;
    readonly pg_dumpall: string;
  };
  readonly settings: GreenplumSettings;
}

/** Names the file of the state. The tools' launchers set it. */
export const STATE_VARIABLE = "PENSTOCK_TEST_GREENPLUM";

/** The superuser that owns everything. */
export const GPADMIN = "gpadmin";

/** Reads the state from the file that the environment names. */
export async function readState(): Promise<GreenplumState> {
  const path = process.env[STATE_VARIABLE];
  if (path === undefined) throw new Error(`${STATE_VARIABLE} names no file`);
  return JSON.parse(await readFile(path, "utf8")) as GreenplumState;
}

/** Resolves once the settings are so. Does not keep a tool that was told to end. */
export async function untilSettings(isSo: (settings: GreenplumSettings) => boolean): Promise<void> {
  while (!isSo((await readState()).settings)) {
    await delay(LOOK_AGAIN_MS, undefined, { ref: false });
  }
}

/** Writes the state so that a tool that starts now reads all of it, old or new. */
export async function writeState(path: string, state: GreenplumState): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(state, undefined, 2));
  await rename(`${path}.new`, path);
}
