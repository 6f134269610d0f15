import { peakBytes, residentBytes } from "../bench/process-cost.ts";

const INTERVAL_MS = 100;
const MIB = 2 ** 20;

/**
 * What one stream may add to a process at most, see "Memory" of the wire protocol: a replay buffer of
 * 64 MiB, what an old and a new connection have taken to send, windows and queues of gRPC, the code
 * of a thread, and garbage of all these that is not yet collected.
 */
export const MEMORY_BOUND_BYTES: number = 256 * MIB;

/** How far a process has grown since this was made, at its largest; also of one that has ended since. */
export class MemoryWatch implements Disposable {
  readonly #pid: number;
  readonly #beforeBytes: number;
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#beforeBytes = residentBytes(pid);
    this.#timer = setInterval(() => this.#sample(), INTERVAL_MS);
  }

  get growthBytes(): number {
    this.#sample();
    return this.#peakBytes - this.#beforeBytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** The kernel keeps the peak itself; of a process that is gone there is none. */
  #sample(): void {
    this.#peakBytes = Math.max(this.#peakBytes, peakBytes(this.#pid));
  }
}
