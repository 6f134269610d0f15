import { type BigIntStats, readdirSync, readlinkSync, statSync } from "node:fs";
import { setImmediate as loopTurn, setTimeout as pause } from "node:timers/promises";
import { PenstockError } from "@penstock/common";
import { processNumbers, readProc, signalProcess } from "./processes.ts";
import { remotePaths } from "./remote-mounts.ts";

const KILL_LIMIT_MS = 10_000;
const POLL_MS = 20;
/** See fcntl(2): how a descriptor was opened. */
const ACCESS_MODE = 3;
const WRITE_ONLY = 1;

/**
 * Kills every process but ourselves that has one of these pipes open for reading: a database server may
 * have started it, so that it is in no group of ours, and to it our closing would be a clean end.
 * Returns the process numbers; resolves when none is left. Throws `failed` if one survives for 10 s.
 */
export async function killReaders(pipes: readonly string[]): Promise<number[]> {
  const identities = new Set(pipes.flatMap((path) => identityOf(path)));
  const killed = new Set<number>();
  if (identities.size === 0) return [];
  for (const begunMs = performance.now(); ; ) {
    const readers = await findReaders(identities);
    if (readers.length === 0) return [...killed];
    if (performance.now() - begunMs > KILL_LIMIT_MS) throw immortal(readers);
    for (const pid of readers) {
      signalProcess(pid, "SIGKILL");
      killed.add(pid);
    }
    await pause(POLL_MS);
  }
}

/** There may be many descriptors, so others have a turn between two processes. */
async function findReaders(pipes: ReadonlySet<string>): Promise<number[]> {
  const readers: number[] = [];
  const isRemote = remotePaths();
  const mayBePipe = (link: string): boolean => link.startsWith("/") && !isRemote(link);
  for (const pid of processNumbers()) {
    if (pid !== process.pid && isReader(pid, pipes, mayBePipe)) readers.push(pid);
    await loopTurn();
  }
  return readers;
}

/** What a descriptor leads to is looked at only if that cannot block us: see `remotePaths`. */
function isReader(
  pid: number,
  pipes: ReadonlySet<string>,
  mayBePipe: (link: string) => boolean,
): boolean {
  return descriptorsOf(pid).some((fd) => {
    if (!mayBePipe(linkOf(`/proc/${pid}/fd/${fd}`))) return false;
    const [pipe] = identityOf(`/proc/${pid}/fd/${fd}`);
    return pipe !== undefined && pipes.has(pipe) && canRead(pid, fd);
  });
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // it has ended, or is another user's
  }
}

/** The path that was opened, or what else it is; "" if it is closed, or not ours to look at. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function canRead(pid: number, fd: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readProc(`${pid}/fdinfo/${fd}`) ?? "")?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) !== WRITE_ONLY;
}

/** Which pipe it is, whatever its path; nothing if there is none. */
function identityOf(path: string): string[] {
  const found = statIfThere(path);
  return found?.isFIFO() === true ? [`${found.dev}:${found.ino}`] : [];
}

function statIfThere(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function immortal(readers: readonly number[]): PenstockError {
  const message = `processes ${readers.join(", ")} read from a pipe of the run and do not die`;
  return new PenstockError("failed", message);
}
