/**
 * A signal that aborts with `signal`, or when the time is up. Not `AbortSignal.any` with a timeout: Node
 * may collect the timeout that nobody else holds, and then it never comes.
 */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number, signal: AbortSignal) {
    const over = new AbortController();
    this.#timer = setTimeout(() => over.abort(), limitMs);
    this.signal = AbortSignal.any([signal, over.signal]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
