/** A time limit that is put off again and again; runs out once. */
export class Lease implements Disposable {
  readonly ms: number;
  readonly #timer: NodeJS.Timeout;
  #ended = false;

  constructor(ms: number, onEnd: () => void) {
    this.ms = ms;
    this.#timer = setTimeout(() => {
      this.#ended = true;
      onEnd();
    }, ms);
  }

  /** A sign of life: the whole time begins anew. Does nothing once it has run out. */
  renew(): void {
    if (!this.#ended) this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
