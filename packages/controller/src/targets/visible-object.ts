import { type ByteStream, PenstockError } from "@penstock/common";
import type { LeftObject, ObjectWriter, Target } from "./target.ts";

/** An object that a dead opener had just made visible. */
export class VisibleObject implements LeftObject {
  readonly bytes: number;
  readonly isVisible = true;
  readonly #target: Target;
  readonly #key: string;

  constructor(target: Target, key: string, bytes: number) {
    this.#target = target;
    this.#key = key;
    this.bytes = bytes;
  }

  read(signal: AbortSignal): ByteStream {
    return this.#target.read(this.#key, undefined, signal);
  }

  async seal(bytes: number): Promise<ObjectWriter> {
    if (bytes !== this.bytes) throw this.#error(`it has ${this.bytes} bytes, not ${bytes}`);
    return {
      write: () => Promise.reject(this.#error("it takes no more bytes")),
      flush: () => Promise.resolve(),
      commit: async (key = this.#key) => {
        if (key !== this.#key) throw this.#error(`it cannot become ${key}`);
      },
      abort: () => Promise.resolve(), // what is visible stays, as after any commit
    };
  }

  remove(signal: AbortSignal): Promise<void> {
    return this.#target.remove(this.#key, signal);
  }

  #error(why: string): PenstockError {
    return new PenstockError("failed", `object ${this.#key} of ${this.#target.url}: ${why}`);
  }
}
