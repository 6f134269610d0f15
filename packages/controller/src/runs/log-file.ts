import { closeSync, openSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { isErrno, systemClock, toPenstockError } from "@penstock/common";
import type { RunFolder } from "./run-folder.ts";

const FILE = "log.jsonl";
const FOLLOW_EVERY_MS = 200;
const READ_BYTES = 64 * 1024;
/** Of one line; what is longer was not written by us. */
const LINE_LIMIT = 1024 * 1024;

/**
 * A run's log, one JSON object a line, appended to at once, so that it is there after a crash, too.
 * Never throws while it writes: a log that cannot be written must not end a run.
 */
export class LogFile implements Disposable {
  readonly #fd: number;
  readonly #onBroken: (cause: unknown) => void;
  #bytes = 0;
  #isBroken = false;

  /** `onBroken` is called once, when a line could not be written; then no more are. */
  constructor({ path }: RunFolder, onBroken: (cause: unknown) => void) {
    this.#fd = openSync(join(path, FILE), "a", 0o600);
    this.#onBroken = onBroken;
  }

  /** What has been written here. */
  get bytes(): number {
    return this.#bytes;
  }

  write(line: string): void {
    if (this.#isBroken) return;
    try {
      this.#bytes += writeSync(this.#fd, line);
    } catch (error) {
      this.#isBroken = true;
      this.#onBroken(error);
    }
  }

  [Symbol.dispose](): void {
    this.#isBroken = true;
    closeSync(this.#fd);
  }
}

/**
 * The lines of a run's log, as they were written; none if it has none. At the end of the file `isOver`
 * is asked: until it says so, what is written meanwhile is read, too. A torn last line is left out.
 */
export async function* readLog(
  { path, run }: RunFolder,
  isOver: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  await using file = await openIfThere(join(path, FILE), run);
  if (file === undefined) return;
  const lines = new Lines();
  for (let over = false; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES);
    yield* lines.take(buffer.subarray(0, bytesRead));
    signal.throwIfAborted();
    if (bytesRead > 0) continue;
    if (over) return;
    over = await isOver(); // once more from here on: it may have been written just before
    if (!over) await systemClock.delay(FOLLOW_EVERY_MS, signal);
  }
}

async function openIfThere(path: string, run: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw toPenstockError(error, `log of run ${run}`);
  }
}

/** Cuts pieces of a text into lines. */
class Lines {
  readonly #decoder = new TextDecoder();
  #rest = "";

  *take(bytes: Uint8Array): Generator<string, void, undefined> {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, LINE_LIMIT);
    yield* lines.filter((line) => line !== "");
  }
}
