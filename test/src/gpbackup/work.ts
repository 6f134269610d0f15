import type { RemoteCommand, RunningCopy } from "./machine-client.ts";

/** What a program has under way in other processes, and whether a signal is ending it. */
export class Work {
  readonly copies: Set<RunningCopy> = new Set();
  readonly #helpers: Set<RemoteCommand> = new Set();
  isTerminated = false;

  /** Waits for a COPY that can be cancelled meanwhile. */
  async rowsOf(copy: RunningCopy): Promise<number> {
    this.copies.add(copy);
    try {
      return await copy.rows;
    } finally {
      this.copies.delete(copy);
    }
  }

  cancelCopies(): void {
    for (const copy of this.copies) copy.cancel();
  }

  addHelper(helper: RemoteCommand): void {
    this.#helpers.add(helper);
    // A number may be another process's by the time that we stop what is left.
    const forget = (): void => void this.#helpers.delete(helper);
    helper.outcome.then(forget, forget);
  }

  /** Ends the helpers; all hosts are this machine. What their plugins read or write then ends, too. */
  async stopHelpers(): Promise<void> {
    const left = [...this.#helpers];
    for (const { pid } of left) sendSignal(pid);
    await Promise.allSettled(left.map(({ outcome }) => outcome));
  }

  /** Never resolves while a signal is ending the program, which then exits. */
  async untilNotTerminated(): Promise<void> {
    if (this.isTerminated) await new Promise(() => {});
  }
}

function sendSignal(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
}
