import { createCipheriv, createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { Content } from "./round-plan.ts";

const MIB = 2 ** 20;
/** What all streams are parts of. */
export const POOL_BYTES: number = 48 * MIB;
const KEY_BYTES = 16;

/** Bytes that follow from a seed, in memory and in a file for tools to read. */
export class Pool {
  readonly path: string;
  readonly #bytes: Buffer;

  private constructor(path: string, bytes: Buffer) {
    this.path = path;
    this.#bytes = bytes;
  }

  /** Writes the file at `path`. */
  static async create(path: string, seed: number): Promise<Pool> {
    const bytes = poolBytes(seed);
    await writeFile(path, bytes);
    return new Pool(path, bytes);
  }

  /** SHA-256, in hexadecimal, of a part of it. */
  digestOf({ fromByte, bytes }: Content): string {
    const part = this.#bytes.subarray(fromByte, fromByte + bytes);
    return createHash("sha256").update(part).digest("hex");
  }
}

/** Every other MiB is text that compresses well; the others do not at all. */
function poolBytes(seed: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUInt32BE(seed);
  const bytes = createCipheriv("aes-128-ctr", key, Buffer.alloc(KEY_BYTES)).update(
    Buffer.alloc(POOL_BYTES),
  );
  for (let from = 0; from < POOL_BYTES; from += 2 * MIB) {
    bytes.fill(`row ${from} ${bytes.toString("hex", from, from + 64)}\n`, from, from + MIB);
  }
  return bytes;
}
