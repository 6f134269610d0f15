import { hasCode, listNames, PenstockError } from "@penstock/common";
import { askStatus } from "./control-client.ts";
import { readAbout } from "./read-run.ts";
import { listRunFolders, type RunFolder } from "./run-folder.ts";
import type { RunAbout, RunSnapshot } from "./run-snapshot.ts";

/** A run of this host, by its folder. */
export interface KnownRun {
  readonly folder: RunFolder;
  /** What it is, if that can be said. */
  readonly about: Pick<RunAbout, "set" | "plan"> | undefined;
}

/** A run whose controller is there. */
export interface RunningRun extends KnownRun {
  /** `undefined` if its controller does not answer; `error` says so. */
  readonly snapshot: RunSnapshot | undefined;
  readonly error: PenstockError | undefined;
}

/** All runs of a cluster that are going on on this host, newest first; none of other users. */
export async function listRunning(
  runDirectory: string,
  cluster: string,
  signal: AbortSignal,
): Promise<RunningRun[]> {
  const folders = await listRunFolders(runDirectory, cluster);
  const found = await Promise.all(folders.map((folder) => look(folder, signal)));
  return found.filter((run) => run !== undefined);
}

/** All runs of a cluster whose folders are there, ended or not, newest first. */
export async function listKnown(runDirectory: string, cluster: string): Promise<KnownRun[]> {
  const folders = await listRunFolders(runDirectory, cluster);
  return await Promise.all(
    folders.map(async (folder) => ({
      folder,
      about: await readAbout(folder).catch(() => undefined), // it is another user's
    })),
  );
}

/**
 * The run that is called so: by its own name, by its set's, or by its plan's if no other run is
 * of that plan. Throws `not_found` with the names there are; `what` says of which runs, and `usage`
 * if several are meant.
 */
export function pickRun<T extends KnownRun>(runs: readonly T[], name: string, what: string): T {
  const matches = [
    runs.filter(({ folder }) => folder.run === name),
    runs.filter(({ about }) => about?.set === name),
    runs.filter(({ about }) => about?.plan === name),
  ].find((found) => found.length > 0);
  const [run, ...others] = matches ?? [];
  if (run !== undefined && others.length === 0) return run;
  const names = listNames((matches ?? runs).slice(0, 10).map(({ folder }) => folder.run));
  if (run !== undefined) {
    throw new PenstockError("usage", `${name} names several runs: ${names}`, {
      hint: "name one of them",
    });
  }
  const those = runs.length === 0 ? "there is none" : `there are: ${names}`;
  throw new PenstockError("not_found", `no ${what} is called ${name}; ${those}`, {
    hint: "a run is named by itself, by its set or by its plan; see: penstock status",
  });
}

async function look(folder: RunFolder, signal: AbortSignal): Promise<RunningRun | undefined> {
  try {
    const snapshot = await askStatus(folder, signal);
    if (snapshot === undefined) return undefined;
    return { folder, about: snapshot, snapshot, error: undefined };
  } catch (error) {
    if (hasCode(error, "refused")) return undefined; // whether it still runs is not for us to know
    if (!hasCode(error, "unreachable")) throw error;
    return { folder, about: await readAbout(folder), snapshot: undefined, error };
  }
}
