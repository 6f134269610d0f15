import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { BlockFiller, type ByteStream, raceAbort } from "@penstock/common";
import type { ByteRange } from "./target.ts";

/** Opens a regular file; `undefined` if something else is there. Never waits, not even for a FIFO. */
export async function openRegularFile(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

/**
 * The bytes of an open file, all or a range, in chunks of `CHUNK_BYTES` with headroom, which may be
 * given back. Closes the file in the end, however it ends.
 */
export async function* readToEnd(
  handle: FileHandle,
  range: ByteRange | undefined,
  signal: AbortSignal,
): ByteStream {
  let position = range?.offset ?? 0;
  const end = range === undefined ? Number.POSITIVE_INFINITY : range.offset + range.length;
  const space = new BlockFiller();
  let reading: Promise<unknown> = Promise.resolve();
  try {
    while (position < end) {
      signal.throwIfAborted();
      const room = space.room().subarray(0, end - position);
      const read = handle.read(room, 0, room.length, position);
      reading = read;
      const { bytesRead } = await raceAbort(read, signal);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield space.take(bytesRead);
    }
  } finally {
    // A read that was given up still writes into its memory.
    const letGo = (): void => space[Symbol.dispose]();
    reading.then(letGo, letGo);
    const closing = handle.close();
    // After an abort not awaited: it waits for a read that may hang with the storage.
    if (signal.aborted) closing.catch(() => {});
    else await closing;
  }
}
