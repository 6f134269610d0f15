import { mkdir, readFile, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { PenstockError, toError, toPenstockError } from "@penstock/common";
import { z } from "zod";
import { absent } from "./absent.ts";
import { syncFolder, writeDurably } from "./durable-file.ts";
import { type Made, type MadeRecord, madeSchema } from "./made.ts";
import { removeMade } from "./remove-made.ts";
import type { StraySearch } from "./stop-strays.ts";

const journalSchema = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  made: z.array(madeSchema),
  /** What to look for, and where it may be blocked; see stop-strays.ts. */
  strays: z.array(z.string()).exactOptional(),
  pipes: z.array(z.string()).exactOptional(),
});

/** What stands in a journal. */
interface Entries extends StraySearch {
  readonly made: readonly Made[];
}

const NOTHING: Entries = { made: [], strays: [], pipes: [] };

/**
 * What one run has made or is about to make, in a small file of the state directory, so that the
 * next start of a killed agent can remove it. The file is there as long as there is an entry.
 */
export class RunJournal implements MadeRecord {
  readonly run: string;
  /** When its run was alive for the last time: Unix time in milliseconds. */
  readonly lastSignMs: number;
  readonly #folder: string;
  readonly #path: string;
  #entries: Entries;
  /** Changes that wait for the next write; they are written together. */
  #waiting: ((entries: Entries) => Entries)[] = [];
  #next: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** What the file says is what stands in `#entries`: not after a write that has failed. */
  #isWritten = true;

  private constructor(folder: string, run: string, left: Partial<LeftJournal> = {}) {
    const { lastSignMs = Date.now(), ...entries } = left;
    this.run = run;
    this.lastSignMs = lastSignMs;
    this.#folder = folder;
    this.#path = join(folder, journalName(run));
    this.#entries = { ...NOTHING, ...entries };
  }

  /** The journal of a run, empty or as it was left. Throws `failed` if it cannot be read. */
  static async open(stateDirectory: string, run: string): Promise<RunJournal> {
    const folder = journalFolder(stateDirectory);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const left = await readJournal(join(folder, journalName(run)));
    return new RunJournal(folder, run, left);
  }

  /** The journal at this path, which a dead run has left. */
  static async load(stateDirectory: string, name: string): Promise<RunJournal | undefined> {
    const folder = journalFolder(stateDirectory);
    const left = await readJournal(join(folder, name));
    return left && new RunJournal(folder, left.run, left);
  }

  async record(made: readonly Made[]): Promise<void> {
    await this.#replace((entries) => ({ ...entries, made: [...entries.made, ...made] }));
  }

  async forget(made: readonly Made[]): Promise<void> {
    const gone = new Set(made);
    await this.#replace((entries) => ({
      ...entries,
      made: entries.made.filter((each) => !gone.has(each)),
    }));
  }

  /** What to look for when the run is aborted; added to what is there already. Durable as above. */
  async recordStrays({ strays, pipes }: StraySearch): Promise<void> {
    await this.#replace((entries) => ({
      ...entries,
      strays: [...new Set([...entries.strays, ...strays])],
      pipes: [...new Set([...entries.pipes, ...pipes])],
    }));
  }

  get straySearch(): StraySearch {
    const { strays, pipes } = this.#entries;
    return { strays, pipes };
  }

  /** The run is alive; see `lastSignMs`. Never rejects. */
  async giveSign(): Promise<void> {
    const now = new Date();
    await utimes(this.#path, now, now).catch(() => {}); // there may be nothing to remember
  }

  /**
   * Removes everything that stands in the journal as made, then the journal. Throws `failed`, and keeps the
   * entries in question, if something could not be removed. Repeating it is harmless.
   */
  async removeMade(): Promise<void> {
    await this.#writing.catch(() => {}); // told to whoever recorded
    const failures = await removeMade(this.#entries.made);
    await this.#replace(() => ({ ...NOTHING, made: failures.map(({ made }) => made) }));
    if (failures.length === 0) return;
    const reasons = failures.map(({ made, error }) => `${made.path}: ${toError(error).message}`);
    throw new PenstockError("failed", `clean up after run ${this.run}: ${reasons.join("; ")}`);
  }

  /** Changes that come while a write is under way share the next one. */
  #replace(change: (entries: Entries) => Entries): Promise<void> {
    this.#waiting.push(change);
    this.#next ??= this.#writing.catch(() => {}).then(() => this.#writeWaiting());
    this.#writing = this.#next;
    return this.#next;
  }

  /** The file agrees with the entries before the next change is made. */
  async #writeWaiting(): Promise<void> {
    const changes = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    const entries = changes.reduce((all, change) => change(all), this.#entries);
    if (this.#isWritten && isDeepStrictEqual(entries, this.#entries)) return;
    this.#isWritten = false;
    await this.#write(entries);
    this.#entries = entries;
    this.#isWritten = true;
  }

  async #write({ made, ...search }: Entries): Promise<void> {
    const hasStrays = search.strays.length > 0;
    try {
      if (made.length > 0 || hasStrays) {
        const text = { version: 1, run: this.run, made, ...(hasStrays ? search : {}) };
        await writeDurably(this.#path, JSON.stringify(text));
      } else {
        await unlink(this.#path).catch(absent);
        await syncFolder(this.#folder);
      }
    } catch (error) {
      throw toPenstockError(error, `write the journal of run ${this.run}`);
    }
  }
}

/** What stands in a file, and when its run was alive. */
type LeftJournal = z.infer<typeof journalSchema> & { readonly lastSignMs: number };

/** Where the journals are. */
export function journalFolder(stateDirectory: string): string {
  return join(stateDirectory, "runs");
}

function journalName(run: string): string {
  return `${encodeURIComponent(run)}.json`;
}

async function readJournal(path: string): Promise<LeftJournal | undefined> {
  const text = await readFile(path, "utf8").catch(absent);
  if (text === undefined) return undefined;
  try {
    const { mtimeMs: lastSignMs } = await stat(path);
    return { ...journalSchema.parse(JSON.parse(text)), lastSignMs };
  } catch (error) {
    throw toPenstockError(error, `read journal ${path}`);
  }
}
