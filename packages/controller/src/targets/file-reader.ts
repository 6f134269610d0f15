import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ByteStream, raceAbort } from "@penstock/common";
import type { ByteRange } from "./target.ts";

const READ_SIZE = 1024 * 1024;

/** Opens a regular file; `undefined` if something else is there. Never waits, not even for a FIFO. */
export async function openRegularFile(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

/**
 * The bytes of an open file, all or a range, in chunks of 1 MiB, each a buffer of its own. Closes
 * the file in the end, however it ends.
 */
export async function* readToEnd(
  handle: FileHandle,
  range: ByteRange | undefined,
  signal: AbortSignal,
): ByteStream {
  let position = range?.offset ?? 0;
  const end = range === undefined ? Number.POSITIVE_INFINITY : range.offset + range.length;
  try {
    while (position < end) {
      signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(READ_SIZE, end - position));
      const reading = handle.read(buffer, 0, buffer.length, position);
      const { bytesRead } = await raceAbort(reading, signal);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    const closing = handle.close();
    // After an abort not awaited: it waits for a read that may hang with the storage.
    if (signal.aborted) closing.catch(() => {});
    else await closing;
  }
}
