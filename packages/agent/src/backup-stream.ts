import {
  AcceptingSource,
  type ByteStream,
  type Channel,
  type Clock,
  type CodecName,
  type FormatName,
  formatDuration,
  openFormatCheck,
  Pace,
  PenstockError,
  Sender,
  sendBackup,
  systemClock,
  toError,
} from "@penstock/common";
import type { Open, Tally } from "@penstock/proto";
import type { MemoryBudget } from "./memory-budget.ts";
import type { AgentStream, Moved } from "./stream.ts";
import { startToolGrace } from "./tool-grace.ts";

/** Where the bytes of a backup stream come from: a pipe or a file. */
export interface BackupSource extends AsyncDisposable {
  chunks(signal: AbortSignal): ByteStream;
  /** Resolves when a writer was seen. */
  readonly opened: Promise<void>;
  /** No writer will come any more; see FifoReader. */
  expectNoWriter(): Promise<void>;
  /** See AgentStream. */
  letEnd(): void;
}

/** What its bytes are, and become. */
export interface BackupForm {
  readonly codec: CodecName;
  /** What the raw bytes must be; `undefined` is anything. */
  readonly format: FormatName | undefined;
}

/** A stream from the database host. Memory: its share of the budget, and what the source holds. */
export class BackupStream implements AgentStream {
  readonly opened: Promise<void>;
  readonly done: Promise<Tally>;
  /** The mover has said that it has it all, durably. Never rejects. */
  readonly taken: Promise<void>;
  readonly pace: Pace;
  readonly #source: BackupSource;
  readonly #sender: Sender;
  readonly #budget: MemoryBudget;
  readonly #place: Disposable;
  readonly #calls: AcceptingSource;
  readonly #stop: AbortController = new AbortController();
  readonly #taken: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #served: Promise<void>;
  /** Since when a read is waiting for the tool; undefined while it does not. */
  #waitingSinceMs: number | undefined;
  #rawBytes = 0;

  constructor(
    source: BackupSource,
    form: BackupForm,
    budget: MemoryBudget,
    clock: Clock = systemClock,
  ) {
    this.#source = source;
    this.opened = source.opened;
    this.taken = this.#taken.promise;
    this.pace = new Pace(clock);
    this.#budget = budget;
    this.#place = budget.join();
    this.#sender = new Sender(() => budget.share());
    const placeFor = ({ adopt, offset }: Open): number =>
      adopt ? this.#sender.ackedBytes : Number(offset);
    const isWaitingForTool = (): boolean => this.#waitingSinceMs !== undefined;
    this.#calls = new AcceptingSource(placeFor, clock, isWaitingForTool);
    this.done = this.#send(form);
    this.#served = this.#serve().catch((error: unknown) => {
      this.#calls.fail(toError(error)); // to the controller it is told by `done`
    });
  }

  get moved(): Moved {
    const { filledBytes: storedBytes, heldBytes } = this.#sender;
    const limitBytes = this.#budget.share();
    return { rawBytes: this.#rawBytes, storedBytes, heldBytes, limitBytes };
  }

  accept(channel: Channel, open: Open): void {
    this.#calls.offer(channel, open, this.#stop.signal);
  }

  letEnd(): void {
    this.#source.letEnd();
  }

  toolEnded(graceMs: number): void {
    this.letEnd();
    const waitingSinceMs = (): number | undefined => this.#waitingSinceMs;
    const giveUp = (): void => void this.#giveUp(graceMs);
    const grace = startToolGrace({ graceMs, waitingSinceMs }, giveUp, this.#stop.signal);
    const done = (): void => grace[Symbol.dispose]();
    this.done.then(done, done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PenstockError("failed", "the run has ended"));
    await this.#source[Symbol.asyncDispose]();
    await Promise.allSettled([this.done, this.#served]);
    this.#place[Symbol.dispose]();
  }

  /** To the end of the run: a mover that has it all may die, and the next one asks for the end again. */
  async #serve(): Promise<void> {
    for (;;) {
      await this.#sender.run(this.#calls, this.#stop.signal);
      this.#taken.resolve();
    }
  }

  async #send({ codec, format }: BackupForm): Promise<Tally> {
    const { signal } = this.#stop;
    using check = format === undefined ? undefined : openFormatCheck(format);
    const sending = { pace: this.pace, sender: this.#sender };
    try {
      const tally = await sendBackup(this.#watched(signal), { codec, check }, sending, signal);
      this.#sender.end({ tally });
      return tally;
    } catch (error) {
      this.#sender.fail(toError(error));
      throw error;
    }
  }

  async *#watched(signal: AbortSignal): ByteStream {
    this.#waitingSinceMs = performance.now();
    for await (const chunk of this.#source.chunks(signal)) {
      this.#waitingSinceMs = undefined;
      this.#rawBytes += chunk.length;
      yield chunk;
      this.#waitingSinceMs = performance.now();
    }
    this.#waitingSinceMs = undefined; // its end is here; what is left to do is ours
  }

  /** The tool is gone and nothing has come for the whole grace. */
  async #giveUp(graceMs: number): Promise<void> {
    const sinceMs = this.#waitingSinceMs;
    await this.#source.expectNoWriter(); // ends a pipe that was never opened, with its own words
    const held = `its pipe is still held open ${formatDuration(graceMs)} after its tool has ended`;
    setImmediate(() => {
      if (this.#waitingSinceMs !== sinceMs)
        this.toolEnded(graceMs); // something was there after all
      else this.#stop.abort(new PenstockError("failed", held));
    });
  }
}
