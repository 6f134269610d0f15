import { constants } from "node:fs";
import { access, chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isErrno, nameTaken, PenstockError, toPenstockError } from "@penstock/common";
import type { Reporter } from "./report.ts";

/**
 * Where the controller keeps what belongs to one run and must outlive its process: the journal, the
 * log, the control socket. One folder of this host a run, for nobody else to read.
 */
export interface RunFolder {
  readonly cluster: string;
  readonly run: string;
  readonly path: string;
}

/** What a run says of where it is. */
export interface RunPlace {
  readonly runDirectory: string;
  readonly cluster: string;
  readonly report: Reporter;
}

/**
 * The folder of a run that begins. A run goes on without one if the run directory cannot be written
 * to: `undefined`, and a warning has said what is then missing. Throws `locked` as `createRunFolder`.
 */
export async function openRunFolder(
  { runDirectory, cluster, report }: RunPlace,
  run: string,
): Promise<RunFolder | undefined> {
  try {
    return await createRunFolder(runDirectory, cluster, run);
  } catch (error) {
    if (!(error instanceof PenstockError) || error.code !== "usage") throw error;
    const missing = "this run has no status, no log and no --resume";
    const hint = error.hint === undefined ? "" : `; ${error.hint}`;
    report({ event: "warning", message: `${error.message}: ${missing}${hint}` });
    return undefined;
  }
}

/**
 * Makes the folder of a run. Throws `usage` if the run directory cannot be written to, and `locked`,
 * as `nameTaken`, if another run of this host has the name.
 */
export async function createRunFolder(
  runDirectory: string,
  cluster: string,
  run: string,
): Promise<RunFolder> {
  const path = join(runsIn(runDirectory), `${cluster}.${run}`);
  try {
    await mkdir(runsIn(runDirectory), { recursive: true });
    await mkdir(path, { mode: 0o700 });
    await chmod(path, 0o700); // whatever the umask is
  } catch (error) {
    if (isErrno(error, "EEXIST")) throw nameTaken(`run ${run} exists`, error);
    throw toUnwritable(runDirectory, error);
  }
  return { cluster, run, path };
}

/** The folders of a cluster's runs, newest first; none if there never was a run here. */
export async function listRunFolders(runDirectory: string, cluster: string): Promise<RunFolder[]> {
  const prefix = `${cluster}.`;
  const names = await namesIn(runsIn(runDirectory));
  return names
    .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes("."))
    .map((name) => ({
      cluster,
      run: name.slice(prefix.length),
      path: join(runsIn(runDirectory), name),
    }))
    .sort((a, b) => begunAt(b.run).localeCompare(begunAt(a.run)));
}

function toUnwritable(runDirectory: string, cause: unknown): PenstockError {
  const { message } = toPenstockError(cause, `run directory ${runDirectory}`);
  const hint = "set runDirectory: in the configuration to a folder that you may write to";
  return new PenstockError("usage", message, { hint, cause });
}

/** How many folders of a cluster's runs are of other users, whether they have ended or not. */
export async function countHidden(runDirectory: string, cluster: string): Promise<number> {
  const folders = await listRunFolders(runDirectory, cluster);
  const looks = folders.map(({ path }) => access(path, constants.R_OK | constants.X_OK));
  return (await Promise.allSettled(looks)).filter(({ status }) => status === "rejected").length;
}

function runsIn(runDirectory: string): string {
  return join(runDirectory, "runs");
}

/** A run's name ends in the moment of its begin. */
function begunAt(run: string): string {
  return run.slice(-14);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw toPenstockError(error, `run directory ${folder}`);
  }
}
