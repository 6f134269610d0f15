import { PenstockError } from "@penstock/common";
import type { ByteRange, LeftObject, ObjectWriter, Target } from "@penstock/controller/simulation";
import type { Disk, Unfinished } from "./disk.ts";
import type { VirtualProcess } from "./virtual-process.ts";

/** How much is read at once. */
export const READ_BYTES = 1_000;

/** A disk as a target, opened by a process: when that is dead, nothing returns to it. */
export class DiskTarget implements Target {
  readonly url: string;
  readonly #disk: Disk;
  readonly #process: VirtualProcess;
  readonly #opened = new Set<Unfinished>();

  constructor(disk: Disk, process: VirtualProcess, url: string) {
    this.#disk = disk;
    this.#process = process;
    this.url = url;
  }

  async create(key: string, scope: string, signal: AbortSignal): Promise<ObjectWriter> {
    const object: Unfinished = { key, scope, bytes: Buffer.alloc(0), durableBytes: 0 };
    await this.#operate(`create ${key}`, signal, () => this.#disk.unfinished.add(object));
    this.#opened.add(object);
    return this.#writerOf(object, signal);
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<boolean> {
    let isFree = false;
    await this.#operate(`put ${key}`, signal, () => {
      isFree = !this.#disk.visible.has(key);
      if (isFree) this.#disk.visible.set(key, Buffer.from(body));
    });
    return isFree;
  }

  async *read(
    key: string,
    range: ByteRange | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#operate(`read ${key}`, signal);
    const bytes = this.#disk.visible.get(key);
    if (bytes === undefined) throw new PenstockError("not_found", `${this.url}: no ${key}`);
    const begin = range?.offset ?? 0;
    const end = begin + (range?.length ?? bytes.length);
    yield* this.#readBytes(key, bytes.subarray(begin, end), signal);
  }

  async stat(key: string, signal: AbortSignal): Promise<number | undefined> {
    await this.#operate(`stat ${key}`, signal);
    return this.#disk.visible.get(key)?.length;
  }

  async list(prefix: string, signal: AbortSignal): Promise<string[]> {
    await this.#operate(`list ${prefix}`, signal);
    return [...this.#disk.visible.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    await this.#operate(`remove ${key}`, signal, () => this.#disk.visible.delete(key));
  }

  async sweep(scope: string, signal: AbortSignal): Promise<void> {
    await this.#operate(`sweep ${scope}`, signal, () => {
      for (const object of this.#disk.unfinished) {
        if (object.scope === scope) this.#disk.unfinished.delete(object);
      }
    });
  }

  async takeOver(key: string, scope: string, signal: AbortSignal): Promise<LeftObject | undefined> {
    await this.#operate(`take over ${key}`, signal);
    const { visible, unfinished } = this.#disk;
    const ready = visible.get(key);
    if (ready !== undefined) return this.#readyObject(key, ready);
    const left = [...unfinished].find((object) => object.key === key && object.scope === scope);
    if (left === undefined) return undefined;
    this.#opened.add(left);
    return this.#leftObject(left);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const object of this.#opened) this.#disk.unfinished.delete(object);
  }

  /** Sealed: cut, durable, and never written to again. */
  #leftObject(object: Unfinished): LeftObject {
    const { key, bytes } = object;
    const remove = (): void => void this.#disk.unfinished.delete(object);
    return {
      bytes: bytes.length,
      isVisible: false,
      read: (signal) => this.#readBytes(key, object.bytes, signal),
      seal: async (size, signal) => {
        await this.#operate(`seal ${key} at ${size}`, signal, () => {
          object.bytes = bytes.subarray(0, size);
          object.durableBytes = size;
        });
        return { ...this.#writerOf(object, signal), write: refuse };
      },
      remove: (signal) => this.#operate(`remove the left ${key}`, signal, remove),
    };
  }

  #readyObject(key: string, bytes: Buffer): LeftObject {
    return {
      bytes: bytes.length,
      isVisible: true,
      read: (signal) => this.#readBytes(key, bytes, signal),
      seal: async (size) => {
        if (size !== bytes.length) throw new PenstockError("failed", `${key} is not ${size} long`);
        const commit = async (other = key): Promise<void> => {
          if (other !== key) throw new PenstockError("failed", `${key} cannot become ${other}`);
        };
        return { write: refuse, flush: async () => {}, commit, abort: async () => {} };
      },
      remove: (signal) => this.remove(key, signal),
    };
  }

  #writerOf(object: Unfinished, signal: AbortSignal): ObjectWriter {
    let failure: unknown;
    const guarded = async (what: string, effect: () => void): Promise<void> => {
      if (failure !== undefined) throw failure;
      try {
        await this.#operate(`${what} ${object.key}`, signal, effect);
      } catch (error) {
        failure ??= error;
        throw error;
      }
    };
    return {
      write: async (chunk) => {
        const copy = Buffer.from(chunk);
        await guarded(`write ${chunk.length} to`, () => {
          object.bytes = Buffer.concat([object.bytes, copy]);
        });
      },
      flush: async () => {
        const bytes = object.bytes.length;
        await guarded("flush", () => {
          object.durableBytes = Math.max(object.durableBytes, bytes);
        });
      },
      commit: (key = object.key) =>
        guarded(`commit ${key} of`, () => {
          if (this.#disk.visible.has(key)) throw new PenstockError("failed", `${key} is taken`);
          this.#disk.unfinished.delete(object);
          this.#disk.visible.set(key, object.bytes);
        }),
      abort: async () => {
        this.#disk.unfinished.delete(object);
      },
    };
  }

  async *#readBytes(
    key: string,
    bytes: Buffer,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (let offset = 0; offset < bytes.length; offset += READ_BYTES) {
      await this.#operate(`read ${key} at ${offset}`, signal);
      yield this.#disk.asRead(bytes.subarray(offset, offset + READ_BYTES));
    }
  }

  /**
   * Takes its time. A process that is killed just then never hears of it, whether it was done or not.
   */
  async #operate(what: string, signal: AbortSignal, effect: () => void = () => {}): Promise<void> {
    signal.throwIfAborted();
    const { delayMs, fails } = this.#disk.operation();
    await this.#process.clock.delay(delayMs, signal);
    const isDoneFirst = !fails && this.#disk.random.chance(0.5);
    if (isDoneFirst) effect();
    this.#disk.world.step(this.#process.name, () => what + (fails ? " FAILS" : ""));
    if (!this.#process.isAlive) await new Promise<never>(() => {});
    if (fails) throw new PenstockError("failed", `${this.url}: ${what}: no space left`);
    if (!isDoneFirst) effect();
  }
}

async function refuse(): Promise<never> {
  throw new PenstockError("failed", "what another has begun takes no more bytes");
}
