import {
  AcceptingSource,
  type ByteStream,
  type Channel,
  type Clock,
  type CodecName,
  formatDuration,
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
}

/** A stream from the database host. Memory: its share of the budget, and what the source holds. */
export class BackupStream implements AgentStream {
  readonly opened: Promise<void>;
  readonly done: Promise<Tally>;
  readonly pace: Pace;
  readonly #source: BackupSource;
  readonly #sender: Sender;
  readonly #budget: MemoryBudget;
  readonly #place: Disposable;
  readonly #calls: AcceptingSource;
  readonly #stop: AbortController = new AbortController();
  readonly #served: Promise<void>;
  /** Since when a read is waiting for the tool; undefined while it does not. */
  #waitingSinceMs: number | undefined;
  #rawBytes = 0;

  constructor(
    source: BackupSource,
    codec: CodecName,
    budget: MemoryBudget,
    clock: Clock = systemClock,
  ) {
    this.#source = source;
    this.opened = source.opened;
    this.pace = new Pace(clock);
    this.#budget = budget;
    this.#place = budget.join();
    this.#sender = new Sender(() => budget.share());
    const placeFor = ({ adopt, offset }: Open): number =>
      adopt ? this.#sender.ackedBytes : Number(offset);
    const isWaitingForTool = (): boolean => this.#waitingSinceMs !== undefined;
    this.#calls = new AcceptingSource(placeFor, clock, isWaitingForTool);
    this.done = this.#send(codec);
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

  toolEnded(graceMs: number): void {
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
    for (;;) await this.#sender.run(this.#calls, this.#stop.signal);
  }

  async #send(codec: CodecName): Promise<Tally> {
    const { signal } = this.#stop;
    const sending = { pace: this.pace, sender: this.#sender };
    try {
      const tally = await sendBackup(this.#watched(signal), codec, sending, signal);
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
  }

  /** The tool is gone and nothing has come for the whole grace. */
  async #giveUp(graceMs: number): Promise<void> {
    await this.#source.expectNoWriter(); // ends a pipe that was never opened, with its own words
    const held = `its pipe is still held open ${formatDuration(graceMs)} after its tool has ended`;
    setImmediate(() => this.#stop.abort(new PenstockError("failed", held)));
  }
}
