import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  isErrno,
  PenstockError,
  type Receipt,
  receiptSchema,
  toPenstockError,
} from "@penstock/common";
import { z } from "zod";
import type { Evidence, FileLists } from "../producers/producer.ts";
import type { RunFolder } from "./run-folder.ts";

/** What another process must know to go on with a backup; written before anything is made. */
export interface JournalHead {
  readonly formatVersion: 1;
  readonly set: string;
  readonly plan: string;
  readonly producer: string;
  /** The run's secret, base64. */
  readonly token: string;
  /** Names of the agents that hold the run. */
  readonly hosts: readonly string[];
  /** Names of the targets. */
  readonly targets: readonly string[];
  /** Of what the producer planned: who goes on must plan the same. */
  readonly planDigest: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly leaseMs: number;
  /** What the hosts said before it was planned: who goes on must not ask them again. */
  readonly answers?: Evidence;
  /** It takes what a tool of others writes. */
  readonly lists?: FileLists;
}

/** What a journal says. */
export interface JournalState {
  readonly head: JournalHead;
  /** The set's first object is on all targets. Otherwise it may be, or another run's. */
  readonly hasBegun: boolean;
  /** The streams that were finished. */
  readonly receipts: readonly Receipt[];
  /** When its process was alive for certain, Unix time in milliseconds. */
  readonly aliveMs: number;
}

type Entry =
  | { readonly entry: "begun"; readonly head: JournalHead }
  | { readonly entry: "started" }
  | { readonly entry: "stored"; readonly receipt: Receipt };

const FILE = "journal.jsonl";
const BEGINNING = '{"entry":';

/** How often a process says that it is alive. */
const ALIVE_EVERY_MS = 5_000;

/**
 * The state of a backup that must outlive its controller: one JSON object a line, each durable when
 * its call resolves. It is there from the run's first step to its last: a journal without a process
 * is the sign of a controller that was killed.
 *
 * No call throws: what cannot be noted any more ends the journal, which is told once. The run goes on
 * without, and cannot be resumed.
 */
export class Journal implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #onBroken: (error: Error) => void;
  readonly #alive: NodeJS.Timeout;
  #written: Promise<void> = Promise.resolve();
  #isBroken = false;

  private constructor(file: FileHandle, path: string, onBroken: (error: Error) => void) {
    this.#file = file;
    this.#path = path;
    this.#onBroken = onBroken;
    this.#alive = setInterval(() => this.#touch(), ALIVE_EVERY_MS).unref();
  }

  /** Begins a journal. Throws `failed`, with the file's name, if that cannot be written. */
  static async create(
    { path: folder }: RunFolder,
    head: JournalHead,
    onBroken: (error: Error) => void,
  ): Promise<Journal> {
    const path = join(folder, FILE);
    try {
      const journal = new Journal(await open(path, "wx", 0o600), path, onBroken);
      await journal.#begin(head, folder);
      return journal;
    } catch (error) {
      throw toPenstockError(error, `journal ${path}`);
    }
  }

  /** Goes on with the journal of a process that is dead. Throws `failed` if it cannot be written. */
  static async reopen(
    { path: folder }: RunFolder,
    onBroken: (error: Error) => void,
  ): Promise<Journal> {
    const path = join(folder, FILE);
    const file = await open(path, "a", 0o600).catch((error: unknown) => {
      throw toPenstockError(error, `journal ${path}`);
    });
    const journal = new Journal(file, path, onBroken);
    journal.#touch();
    return journal;
  }

  /** The set has its first object. */
  started(): Promise<void> {
    return this.#append({ entry: "started" });
  }

  /** A stream is complete, and its objects are visible. */
  stored(receipt: Receipt): Promise<void> {
    return this.#append({ entry: "stored", receipt });
  }

  /** The run is over, and all that is to be known of it is on its targets. */
  async remove(): Promise<void> {
    clearInterval(this.#alive);
    await rm(this.#path, { force: true }).catch((error: unknown) => this.#broken(error));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#alive);
    await this.#written;
    await this.#file.close();
  }

  async #begin(head: JournalHead, folder: string): Promise<void> {
    try {
      await this.#write({ entry: "begun", head });
      await using directory = await open(folder, "r");
      await directory.sync();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      await rm(this.#path, { force: true });
      throw error;
    }
  }

  #append(entry: Entry): Promise<void> {
    this.#written = this.#written.then(async () => {
      if (this.#isBroken) return;
      await this.#write(entry).catch(async (error: unknown) => {
        this.#broken(error);
        await this.remove(); // one with a gap would be worse than none
      });
    });
    return this.#written;
  }

  async #write(entry: Entry): Promise<void> {
    // A torn line of the process before us must not swallow ours.
    await this.#file.appendFile(`\n${JSON.stringify(entry)}\n`);
    await this.#file.datasync();
  }

  #touch(): void {
    const now = new Date();
    this.#file.utimes(now, now).catch(() => {}); // a file that cannot even be touched is told of soon
  }

  #broken(error: unknown): void {
    if (!this.#isBroken) this.#onBroken(toPenstockError(error, `journal ${this.#path}`));
    this.#isBroken = true;
  }
}

const answers: z.ZodType<Evidence> = z.strictObject({
  output: z.record(z.string(), z.string()),
  files: z.record(z.string(), z.strictObject({ text: z.string(), modifiedMs: z.number() })),
});

const head: z.ZodType<JournalHead> = z.strictObject({
  formatVersion: z.literal(1),
  set: z.string(),
  plan: z.string(),
  producer: z.string(),
  token: z.base64(),
  hosts: z.array(z.string()),
  targets: z.array(z.string()),
  planDigest: z.string(),
  startedAt: z.iso.datetime(),
  leaseMs: z.number().int().positive(),
  answers: answers.exactOptional(),
  lists: z.strictObject({ pipes: z.string(), regularFiles: z.string() }).exactOptional(),
});

const entry: z.ZodType<Entry> = z.discriminatedUnion("entry", [
  z.strictObject({ entry: z.literal("begun"), head }),
  z.strictObject({ entry: z.literal("started") }),
  z.strictObject({ entry: z.literal("stored"), receipt: receiptSchema }),
]);

/**
 * What the journal of a run says; `undefined` if there is none, or none that says what the run is: the
 * run has ended, or had not begun. A torn line, of a process that was killed, is passed over. Throws
 * `damaged` for what is no journal.
 */
export async function readJournal({ path }: RunFolder): Promise<JournalState | undefined> {
  const { lines, aliveMs } = await linesOf(join(path, FILE));
  const entries = lines.flatMap((line) => {
    const value = parseJson(line);
    if (value === undefined) return [];
    const parsed = entry.safeParse(value);
    if (parsed.success) return [parsed.data];
    throw new PenstockError("damaged", `journal ${path}/${FILE} is not what Penstock writes`);
  });
  const begun = entries.find((candidate) => candidate.entry === "begun");
  if (begun === undefined) {
    // One that was killed while it wrote its first line has made nothing yet.
    if (lines.every((line) => line.startsWith(BEGINNING))) return undefined;
    throw new PenstockError("damaged", `journal ${path}/${FILE} is not what Penstock writes`);
  }
  return {
    head: begun.head,
    aliveMs,
    hasBegun: entries.some((candidate) => candidate.entry === "started"),
    receipts: entries.flatMap((candidate) =>
      candidate.entry === "stored" ? [candidate.receipt] : [],
    ),
  };
}

async function linesOf(path: string): Promise<{ lines: string[]; aliveMs: number }> {
  try {
    await using file = await open(path, "r");
    const { mtimeMs: aliveMs } = await file.stat();
    const text = await file.readFile("utf8");
    return { lines: text.split("\n").filter((line) => line !== ""), aliveMs };
  } catch (error) {
    if (isErrno(error, "ENOENT")) return { lines: [], aliveMs: 0 };
    throw toPenstockError(error, `journal ${path}`);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
