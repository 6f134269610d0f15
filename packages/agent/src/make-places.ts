import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { absent } from "./absent.ts";
import { makeFifos } from "./fifo.ts";
import { canonicalPath, type Made, type MadeRecord } from "./made.ts";
import { removeMade } from "./remove-made.ts";

/** A named pipe to make. */
export interface FifoPlace {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** A pipe that is there already is left as it is, and is not ours. */
  readonly mayExist?: boolean;
}

/** More paths than this are shared out to several processes, whose arguments have a limit. */
const MOST_AT_ONCE = 100;

/**
 * Makes named pipes, all or none, recorded before they are made. Throws `failed` if something is
 * already at one of the paths, but for a pipe that may be there; what is there is never touched, now
 * or by a later clean-up. The folders must be there.
 */
export async function makeAllFifos(record: MadeRecord, all: readonly FifoPlace[]): Promise<void> {
  const planned = new Map<string, Made>();
  const places: FifoPlace[] = [];
  for (const place of all) {
    const { path } = place;
    if (planned.has(path)) throw taken(path);
    if (place.mayExist === true && (await isFifoThere(path))) continue;
    await assertFree(path);
    planned.set(path, { kind: "fifo", path: await canonicalPath(path) });
    places.push(place);
  }
  await record.record([...planned.values()]);
  const made: string[] = [];
  try {
    for (const { paths, mode } of toBatches(places)) {
      const outcome = await makeFifos(paths, mode);
      made.push(...outcome.made);
      if (outcome.error !== undefined) throw outcome.error;
    }
  } catch (error) {
    const failures = await removeMade(made.flatMap((path) => planned.get(path) ?? []));
    const left = new Set(failures.map((failure) => failure.made));
    await record.forget([...planned.values()].filter((each) => !left.has(each)));
    throw error;
  }
}

/** Makes the missing folders above paths, only for their owner, recorded before they are made. */
export async function makeParents(record: MadeRecord, paths: readonly string[]): Promise<void> {
  const folders = new Set<string>();
  for (const parent of new Set(paths.map((path) => dirname(path)))) {
    for (const folder of await missingFolders(parent)) folders.add(folder);
  }
  if (folders.size === 0) return;
  await record.record([...folders].map((path) => ({ kind: "folder", path })));
  for (const folder of folders) {
    try {
      await mkdir(folder, 0o700);
    } catch (error) {
      // Another run may need the same folder; whoever is last to leave removes it.
      if (!isErrno(error, "EEXIST")) throw toPenstockError(error, `make folder ${folder}`);
    }
  }
}

/** Throws `failed` if anything is at the path, a link that leads nowhere included. */
export async function assertFree(path: string): Promise<void> {
  if (await lstat(path).catch(absent)) throw taken(path);
}

/** True for a named pipe, false for nothing; throws `failed` if anything else is at the path. */
export async function isFifoThere(path: string): Promise<boolean> {
  const found = await lstat(path).catch(absent);
  if (found === undefined || found.isFIFO()) return found !== undefined;
  throw new PenstockError("failed", `use fifo ${path}: what is there is not a named pipe`);
}

function taken(path: string): PenstockError {
  return new PenstockError("failed", `make fifo ${path}: something is already there`, {
    hint: "remove it if no other tool uses it",
  });
}

/** Neighbours of one mode together. A path of which `mkfifo` might speak in quotes is alone. */
function toBatches(places: readonly FifoPlace[]): { paths: string[]; mode: number }[] {
  const batches: { paths: string[]; mode: number; isPlain: boolean }[] = [];
  for (const { path, mode } of places) {
    const isPlain = /^[\w./+:@,%=-]+$/.test(path);
    const last = batches.at(-1);
    const fits = isPlain && last?.isPlain === true && last.mode === mode;
    if (fits && last.paths.length < MOST_AT_ONCE) last.paths.push(path);
    else batches.push({ paths: [path], mode, isPlain });
  }
  return batches;
}

/** From the highest to the deepest, below the real path of the folder that is there. */
async function missingFolders(folder: string): Promise<string[]> {
  let existing = folder;
  while (!(await lstat(existing).catch(absent))) existing = dirname(existing);
  if (existing === folder) return [];
  let path = await realpath(existing);
  return relative(existing, folder)
    .split("/")
    .map((name) => {
      path = join(path, name);
      return path;
    });
}
