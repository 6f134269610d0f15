import { PenstockError } from "@penstock/common";
import { FileReader } from "./file-reader.ts";
import { assertWithinRoots } from "./paths.ts";

/** What a tool reports fits; more belongs into a stream. */
const MOST_BYTES = 2 * 1024 * 1024;

/** A regular file, whole. */
export interface SmallFile {
  readonly data: Buffer;
  /** When it was last written, Unix time. */
  readonly modifiedMs: number;
}

/**
 * Reads a small regular file below the roots. Throws `not_found` if there is none, `failed` if it is
 * larger than `maxBytes`, no regular file (a named pipe is not waited for) or changes meanwhile, and
 * `usage` for a path outside the roots, also through a link, or more than 2 MiB.
 */
export async function readSmallFile(
  path: string,
  maxBytes: number,
  roots: readonly string[],
  signal: AbortSignal,
): Promise<SmallFile> {
  if (maxBytes > MOST_BYTES) {
    throw new PenstockError(
      "usage",
      `read file ${path}: ${maxBytes} bytes; allowed: ${MOST_BYTES}`,
    );
  }
  await using file = await FileReader.open(await assertWithinRoots(path, roots));
  const chunks: Uint8Array[] = [];
  let sizeBytes = file.sizeBytes;
  if (sizeBytes <= maxBytes) {
    sizeBytes = 0;
    for await (const chunk of file.chunks(signal)) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) break; // it grows
    }
  }
  if (sizeBytes > maxBytes) {
    throw new PenstockError("failed", `read file ${path}: larger than ${maxBytes} bytes`);
  }
  return { data: Buffer.concat(chunks), modifiedMs: file.modifiedMs };
}
