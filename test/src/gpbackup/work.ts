import type { RemoteCommand, RunningCopy } from "./machine-client.ts";

/** What a program has under way in other processes, and whether a signal is ending it. */
export class Work {
  readonly copies: Set<RunningCopy> = new Set();
  readonly helpers: Set<RemoteCommand> = new Set();
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

  cancelCopies(content?: number): void {
    for (const copy of this.copies) copy.cancel(content);
  }

  /** Ends the helpers; all hosts are this machine. What their plugins read or write then ends, too. */
  async stopHelpers(): Promise<void> {
    for (const { pid } of this.helpers) sendSignal(pid);
    await Promise.allSettled([...this.helpers].map(({ outcome }) => outcome));
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
