import { z } from "zod";

/**
 * Bytes of a part: what is checked in one piece before it is handed on, and what an object store
 * takes in one piece. All parts of an object but the last have this size.
 */
export const PART_BYTES: number = 16 * 1024 * 1024;

/**
 * The list of an object's parts, stored beside it: CRC-32 of each part, in order, as 8 hexadecimal
 * digits. A part's checksum is combined from those of the frames that brought it, so it was made
 * where the bytes were. It finds damage before a byte is handed on; what proves the whole is the
 * object's SHA-256.
 */
export interface PartsList {
  readonly formatVersion: 1;
  readonly object: string;
  readonly bytes: number;
  readonly partBytes: number;
  readonly crc32: readonly string[];
}

/** Checks a list of parts. */
export const partsSchema: z.ZodType<PartsList> = z.strictObject({
  formatVersion: z.literal(1),
  object: z.string(),
  bytes: z.number().int().nonnegative(),
  partBytes: z.number().int().positive(),
  crc32: z.array(z.string().regex(/^[0-9a-f]{8}$/)),
});

/** The key of an object's list of parts. */
export function partsKey(objectKey: string): string {
  return `${objectKey}.parts`;
}
