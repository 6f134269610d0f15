import { rmSync } from "node:fs";
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { Failure, messageOf } from "./failure.ts";
import { FRAME } from "./frames.ts";
import { Link, type StreamRequest } from "./link.ts";
import type { Options } from "./options.ts";

/** Writes what is stored under a key to the standard output; every byte was checked before. */
export async function restoreData({ socket, plan }: Options, key: string): Promise<void> {
  await restoreToStdout(socket, { plan, command: "restore", key });
}

/** The same for some ranges of it, which stand in a file: their number, then start and end of each. */
export async function restoreSubset(
  { socket, plan }: Options,
  key: string,
  offsetsFile: string,
): Promise<void> {
  const ranges = parseOffsets(await readFile(offsetsFile, "utf8"), offsetsFile);
  if (ranges.length === 0) return; // to the agent it would mean: all of it
  await restoreToStdout(socket, { plan, command: "restore", key, ranges });
}

/** Puts a file where it was. It is there whole, or what was there before is. */
export async function restoreFile({ socket, plan }: Options, path: string): Promise<void> {
  const temporary = `${path}.penstock-part`;
  removeOnExit(temporary);
  await using file = await open(temporary, "w");
  const link = await Link.open(socket, { plan, command: "restore", key: path });
  try {
    await receive(link, (bytes) => writeFile(file, bytes));
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await link.sendFailure(messageOf(error)).catch(() => {}); // it is gone, or knows
    throw error;
  }
  await link.sendOk();
}

/** Reads gprestore's list of ranges. Throws a Failure for anything that is none. */
export function parseOffsets(text: string, path: string): NonNullable<StreamRequest["ranges"]> {
  const [count = Number.NaN, ...numbers] = text.trim().split(/\s+/).map(toOffset);
  if (numbers.length !== 2 * count || numbers.some(Number.isNaN)) {
    throw new Failure(`${path}: not a number of ranges, and start and end of each`);
  }
  return Array.from({ length: count }, (_, index) => {
    const [start = 0, end = 0] = numbers.slice(2 * index, 2 * index + 2);
    return [start, end] as const;
  });
}

function toOffset(word: string): number {
  return /^\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
}

async function restoreToStdout(socket: string, request: StreamRequest): Promise<void> {
  process.stdout.on("error", () => {}); // told to whoever writes
  const link = await Link.open(socket, request);
  await receive(link, toStdout);
  await link.sendOk();
}

/** All bytes to their explicit end. Throws a Failure if that does not come, or the count is wrong. */
async function receive(link: Link, write: (bytes: Buffer) => Promise<void>): Promise<void> {
  for (let bytes = 0; ; ) {
    const { type, payload } = await link.next();
    if (type === FRAME.data) {
      await write(payload);
      bytes += payload.length;
    } else if (type === FRAME.end && payload.readBigUInt64BE() === BigInt(bytes)) {
      return;
    } else {
      throw new Failure(`the agent's answer makes no sense after ${bytes} bytes`);
    }
  }
}

function toStdout(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function removeOnExit(path: string): void {
  process.once("exit", () => rmSync(path, { force: true }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(1));
  }
}
