/** Bytes in order. A source throws instead of ending when its producer failed. */
export type ByteStream = AsyncIterable<Uint8Array>;

/**
 * One step on the way of a byte. An observer passes bytes on unchanged, a transformer changes them;
 * neither knows its neighbours. A stage may hold what it needs for one chunk, not more than it says.
 */
export type Stage = (source: ByteStream, signal: AbortSignal) => ByteStream;

/**
 * Joins a source and stages, in reading order. Every pull from the source is raced against the
 * signal: `pipeline()` of generators does not stop on abort, and a source stuck in an await keeps
 * it waiting even then. The source must watch the signal itself to release what it holds.
 */
export function flow(
  signal: AbortSignal,
  source: ByteStream,
  ...stages: readonly Stage[]
): ByteStream {
  return stages.reduce<ByteStream>(
    (bytes, stage) => stage(bytes, signal),
    abortable(source, signal),
  );
}

/** The same items, but a pull ends with the signal's reason as soon as it aborts. */
export async function* abortable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const result = await raceAbort(iterator.next(), signal);
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } finally {
    // Not awaited: a generator stuck in its own await would keep us here.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** The promise's value, or the signal's reason as soon as it aborts. Leaves no listener behind. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {}); // its outcome no longer matters
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** All bytes in one piece; throws if there are more than `limitBytes`. For small things only. */
export async function collect(source: ByteStream, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limitBytes) throw new RangeError(`more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
