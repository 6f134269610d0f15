import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { untilFed } from "./fed.ts";

/** The FIFOs of a helper, one for each table; the first ones are there already. */
export interface PipeNames {
  readonly prefix: string;
  readonly suffix: string;
  readonly oids: readonly number[];
  /** How many tables may be begun before they are read. */
  readonly ahead: number;
}

/** Opens a helper's FIFOs one after the other; each is removed when it has been used. */
export class HelperPipes {
  /** Of the table that is being done; those before it have been done. */
  index = 0;
  readonly #names: PipeNames;
  #cat: ChildProcess | undefined;
  #hasEnded = false;

  constructor(names: PipeNames) {
    this.#names = names;
  }

  /** The bytes that a COPY writes for this table; it may be waited for without limit. */
  async *read(index: number): AsyncGenerator<Buffer, void, undefined> {
    await this.#begin(index);
    const path = this.#path(index);
    // A process opens it, since a thread of ours that waits in open() could not be ended.
    this.#cat = spawn("cat", [path], { stdio: ["ignore", "pipe", "inherit"] });
    yield* this.#cat.stdout as Readable;
    if (this.#hasEnded) await never(); // this was no end of the table, and none comes after it
    await rm(path, { force: true });
  }

  /** Hands bytes to the COPY of this table. Throws if it does not take them. */
  async write(index: number, bytes: AsyncIterable<Buffer>): Promise<void> {
    await this.#begin(index);
    const path = this.#path(index);
    const cat = spawn("bash", ["-c", 'exec cat > "$0"', path], {
      stdio: ["pipe", "inherit", "inherit"],
    });
    this.#cat = cat;
    const exited = once(cat, "exit");
    const input = cat.stdin as Writable;
    await untilFed(pipeline(bytes, input), input);
    const [status] = await exited;
    if (status !== 0) throw new Error(`write to ${path}: broken pipe`);
    await rm(path, { force: true });
  }

  /** Removes what is left of them for a helper that then exits: no table is begun or done any more. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#cat?.kill("SIGKILL");
    const { oids } = this.#names;
    await Promise.all(oids.map((_, index) => rm(this.#path(index), { force: true })));
  }

  /** Makes the FIFO that a later COPY will look for before this one is opened. */
  async #begin(index: number): Promise<void> {
    if (this.#hasEnded) await never();
    this.index = index;
    const next = index + this.#names.ahead;
    if (next >= this.#names.oids.length) return;
    const making = spawn("bash", ["-c", 'mkfifo "$0"', this.#path(next)], { stdio: "inherit" });
    await once(making, "exit");
  }

  #path(index: number): string {
    const { prefix, suffix, oids } = this.#names;
    return `${prefix}_${oids[index]}${suffix}`;
  }
}

async function never(): Promise<never> {
  return await new Promise(() => {});
}
