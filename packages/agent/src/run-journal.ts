import { mkdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { PenstockError, toError, toPenstockError } from "@penstock/common";
import { z } from "zod";
import { absent } from "./absent.ts";
import { syncFolder, writeDurably } from "./durable-file.ts";
import { type Made, type MadeRecord, madeSchema } from "./made.ts";
import { removeMade } from "./remove-made.ts";

const journalSchema = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  made: z.array(madeSchema),
});

/**
 * What one run has made or is about to make, in a small file of the state directory, so that the
 * next start of a killed agent can remove it. The file is there as long as there is an entry.
 */
export class RunJournal implements MadeRecord {
  readonly run: string;
  readonly #folder: string;
  readonly #path: string;
  #made: readonly Made[];
  /** Changes that wait for the next write; they are written together. */
  #waiting: ((made: readonly Made[]) => readonly Made[])[] = [];
  #next: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, run: string, made: readonly Made[]) {
    this.run = run;
    this.#folder = folder;
    this.#path = join(folder, journalName(run));
    this.#made = made;
  }

  /** The journal of a run, empty or as it was left. Throws `failed` if it cannot be read. */
  static async open(stateDirectory: string, run: string): Promise<RunJournal> {
    const folder = journalFolder(stateDirectory);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const left = await readJournal(join(folder, journalName(run)));
    return new RunJournal(folder, run, left?.made ?? []);
  }

  /** The journal at this path, which a dead run has left. */
  static async load(stateDirectory: string, name: string): Promise<RunJournal | undefined> {
    const folder = journalFolder(stateDirectory);
    const left = await readJournal(join(folder, name));
    return left && new RunJournal(folder, left.run, left.made);
  }

  async record(made: readonly Made[]): Promise<void> {
    await this.#replace((list) => [...list, ...made]);
  }

  async forget(made: readonly Made[]): Promise<void> {
    const gone = new Set(made);
    await this.#replace((list) => list.filter((entry) => !gone.has(entry)));
  }

  /**
   * Removes everything that stands in the journal, then the journal. Throws `failed`, and keeps the
   * entries in question, if something could not be removed. Repeating it is harmless.
   */
  async removeMade(): Promise<void> {
    await this.#writing.catch(() => {}); // told to whoever recorded
    const failures = await removeMade(this.#made);
    await this.#replace(() => failures.map(({ made }) => made));
    if (failures.length === 0) return;
    const reasons = failures.map(({ made, error }) => `${made.path}: ${toError(error).message}`);
    throw new PenstockError("failed", `clean up after run ${this.run}: ${reasons.join("; ")}`);
  }

  /** Changes that come while a write is under way share the next one. */
  #replace(change: (made: readonly Made[]) => readonly Made[]): Promise<void> {
    this.#waiting.push(change);
    this.#next ??= this.#writing.catch(() => {}).then(() => this.#writeWaiting());
    this.#writing = this.#next;
    return this.#next;
  }

  /** The file agrees with the list before the next change is made. */
  async #writeWaiting(): Promise<void> {
    const changes = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    const made = changes.reduce((list, change) => change(list), this.#made);
    await this.#write(made);
    this.#made = made;
  }

  async #write(made: readonly Made[]): Promise<void> {
    try {
      if (made.length > 0) {
        await writeDurably(this.#path, JSON.stringify({ version: 1, run: this.run, made }));
      } else {
        await unlink(this.#path).catch(absent);
        await syncFolder(this.#folder);
      }
    } catch (error) {
      throw toPenstockError(error, `write the journal of run ${this.run}`);
    }
  }
}

/** Where the journals are. */
export function journalFolder(stateDirectory: string): string {
  return join(stateDirectory, "runs");
}

function journalName(run: string): string {
  return `${encodeURIComponent(run)}.json`;
}

async function readJournal(path: string): Promise<z.infer<typeof journalSchema> | undefined> {
  const text = await readFile(path, "utf8").catch(absent);
  if (text === undefined) return undefined;
  try {
    return journalSchema.parse(JSON.parse(text));
  } catch (error) {
    throw toPenstockError(error, `read journal ${path}`);
  }
}
