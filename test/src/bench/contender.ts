/** One way of getting bytes from FIFOs into files on disk. */
export interface Contender {
  readonly name: string;
  /**
   * Does the job once and leaves the files in `job.directory`. The clock of `Sample.seconds` runs
   * from the moment when every reader is attached and the writer starts until the last byte has
   * been taken over: connecting and starting processes is in `commandSeconds` only. Throws if
   * anything failed or a file has the wrong size; ends soon after the signal aborts.
   */
  run(job: Job, signal: AbortSignal): Promise<Sample>;
}

/** What to move. */
export interface Job {
  readonly streams: number;
  readonly bytesPerStream: number;
  /** Exists, is empty and lies on the disk that is measured; removed afterwards. */
  readonly directory: string;
  /** A file of random bytes. */
  readonly seed: string;
  /** How often each stream carries the seed: `bytesPerStream` is that many times its size. */
  readonly copies: number;
}

/** What one run took. */
export interface Sample {
  readonly bytes: number;
  readonly seconds: number;
  /** Wall time with connecting, preparing and cleaning up. */
  readonly commandSeconds: number;
  /** User and system time of every process that took part, the writer included. */
  readonly cpuSeconds: number;
  /** Sum of the peak resident sets on the side of the FIFO and on the side of the file. */
  readonly senderPeakBytes: number;
  readonly receiverPeakBytes: number;
  /** Resident set of an agent before it had anything to do. */
  readonly idleAgentBytes?: number;
}

/** A contender, or the reason why it cannot be measured here. */
export type Available = (Contender & AsyncDisposable) | Missing;

/** A contender that cannot be measured here. */
interface Missing {
  /** Why, and what to install. */
  readonly missing: string;
}
