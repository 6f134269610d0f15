import type { ByteStream } from "@penstock/common";

/**
 * A storage location: objects under keys, visible only when complete.
 *
 * Keys are relative, `/`-separated and made of `[A-Za-z0-9._+@=-]` segments, never `.` or `..`; anything
 * else throws `usage` (see `assertKey`). Callers use a key as an object or as a folder of others, never
 * as both: file systems cannot. No object is ever overwritten, appended to or renamed once it is visible.
 * Errors: `not_found` (reading), `unreachable` (no connection, no permission), `failed` (anything
 * else, disk full named as such), always with the target's URL in the message. Every call ends
 * soon after its signal aborts and then leaves nothing visible. Disposing forgets what this
 * opener's unfinished writers left.
 */
export interface Target extends AsyncDisposable {
  /** Where it is, for messages. Holds no secret. */
  readonly url: string;

  /**
   * Begins an object whose length is not known. The caller must end it by `commit` or `abort`.
   * Objects being written are kept below the unit of work `scope` (a run's name, one segment of a
   * key), so that `sweep` can remove what a dead run left. The signal holds for the writer's life.
   */
  create(key: string, scope: string, signal: AbortSignal): Promise<ObjectWriter>;

  /**
   * Stores a small object in one step, only if the key is free: the commit of a set.
   * Returns false, and changes nothing, if it is not.
   */
  putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<boolean>;

  /**
   * Reads an object, or the range `[offset, offset + length)` of it. Throws `not_found` if it is
   * not there, and ends early rather than wrong if the object is shorter than the range. Errors
   * come with the first pull; chunks are the reader's to keep.
   */
  read(key: string, range: ByteRange | undefined, signal: AbortSignal): ByteStream;

  /** The size of an object in bytes; `undefined` if it is not there. */
  stat(key: string, signal: AbortSignal): Promise<number | undefined>;

  /** Keys of all visible objects below a folder (`prefix` is "" or ends in "/"), sorted. */
  list(prefix: string, signal: AbortSignal): Promise<string[]>;

  /** Removes an object; removing what is gone succeeds. */
  remove(key: string, signal: AbortSignal): Promise<void>;

  /** Removes what unfinished writers of this scope left behind. Repeating it is harmless. */
  sweep(scope: string, signal: AbortSignal): Promise<void>;

  /**
   * What an opener that is dead has left of an object, taken over: from now on it is ours, and goes
   * when we do. `undefined` if there is nothing. A target that has no such method cannot go on with
   * the work of another process.
   */
  takeOver?(key: string, scope: string, signal: AbortSignal): Promise<LeftObject | undefined>;

  /** What a dead opener has left of a scope stays until it is swept: somebody is about to take it over. */
  keepOrphans?(scope: string, signal: AbortSignal): Promise<void>;
}

/** An object that was begun by an opener that is dead. */
export interface LeftObject {
  /** All bytes there are. Of one that is not visible the last ones may be wrong: they were not flushed. */
  readonly bytes: number;
  /** It is complete and durable. */
  readonly isVisible: boolean;
  read(signal: AbortSignal): ByteStream;
  /**
   * Cuts it to its first `bytes` bytes, which survive a power cut when this resolves. The writer
   * takes no more: nothing is ever appended to what another has written. A visible object can only
   * be sealed whole.
   */
  seal(bytes: number, signal: AbortSignal): Promise<ObjectWriter>;
  /** Forgets it; a visible one, too: nobody has committed to it. */
  remove(signal: AbortSignal): Promise<void>;
}

/** Bytes `[offset, offset + length)`. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * An object being written. Its bytes are invisible until `commit` returns. `write` and `flush` may
 * overlap with each other, but two `write` calls may not. After an error only `abort` is allowed;
 * anything else throws that error again, so that an object with a hole is never committed.
 */
export interface ObjectWriter {
  /** Appends bytes. Resolves when the writer may be given more; the chunk may be reused then. */
  write(chunk: Uint8Array): Promise<void>;

  /** Makes every byte whose `write` has resolved survive a power cut. */
  flush(): Promise<void>;

  /**
   * Makes the object durable and visible under its key, or under `key` instead: only at its end does
   * a stream know whether its first object is its only one. Throws `failed` if the key is taken.
   */
  commit(key?: string): Promise<void>;

  /** Forgets everything written. Repeating it, also after `commit`, is harmless. */
  abort(): Promise<void>;
}
