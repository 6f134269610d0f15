import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { isErrno, PenstockError, type Receipt, receiptSchema } from "@penstock/common";
import { z } from "zod";
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
}

/** What a journal says. */
export interface JournalState {
  readonly head: JournalHead;
  /** The set's first object is on all targets. Otherwise it may be, or another run's. */
  readonly hasBegun: boolean;
  /** The streams that were finished. */
  readonly receipts: readonly Receipt[];
}

type Entry =
  | { readonly entry: "begun"; readonly head: JournalHead }
  | { readonly entry: "started" }
  | { readonly entry: "stored"; readonly receipt: Receipt };

const FILE = "journal.jsonl";

/**
 * The state of a backup that must outlive its controller: one JSON object a line, each durable when
 * its call resolves. It is there from the run's first step to its last: a journal without a process
 * is the sign of a controller that was killed.
 */
export class Journal implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #path: string;
  #written: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** Begins a journal. */
  static async create({ path: folder }: RunFolder, head: JournalHead): Promise<Journal> {
    const path = join(folder, FILE);
    const journal = new Journal(await open(path, "wx", 0o600), path);
    await journal.#append({ entry: "begun", head });
    await using directory = await open(folder, "r");
    await directory.sync();
    return journal;
  }

  /** Goes on with the journal of a process that is dead. */
  static async reopen({ path: folder }: RunFolder): Promise<Journal> {
    const path = join(folder, FILE);
    return new Journal(await open(path, "a", 0o600), path);
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
    await rm(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written.catch(() => {}); // whoever wrote was told
    await this.#file.close();
  }

  #append(entry: Entry): Promise<void> {
    // A torn line of the process before us must not swallow ours.
    const line = `\n${JSON.stringify(entry)}\n`;
    this.#written = this.#written.then(async () => {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    });
    return this.#written;
  }
}

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
  const entries = (await linesOf(join(path, FILE))).flatMap((line) => {
    const value = parseJson(line);
    if (value === undefined) return [];
    const parsed = entry.safeParse(value);
    if (parsed.success) return [parsed.data];
    throw new PenstockError("damaged", `journal ${path}/${FILE} is not what Penstock writes`);
  });
  const begun = entries.find((candidate) => candidate.entry === "begun");
  if (begun === undefined) return undefined;
  return {
    head: begun.head,
    hasBegun: entries.some((candidate) => candidate.entry === "started"),
    receipts: entries.flatMap((candidate) =>
      candidate.entry === "stored" ? [candidate.receipt] : [],
    ),
  };
}

async function linesOf(path: string): Promise<string[]> {
  try {
    await using file = await open(path, "r");
    const text = await file.readFile("utf8");
    return text.split("\n").filter((line) => line !== "");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
