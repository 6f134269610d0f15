import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHUNK_BYTES = 2 ** 20;
const SEED_BYTES = 64 * CHUNK_BYTES;

/** A file of random bytes that lies in memory where the system has a place for that. */
export interface Seed extends AsyncDisposable {
  readonly path: string;
  readonly bytes: number;
}

/** Makes the seed. It is smaller than a stream, which carries it several times over. */
export async function createSeed(streamBytes: number): Promise<Seed> {
  const directory = await mkdtemp(join(memoryFolder(), "penstock-bench-seed-"));
  const path = join(directory, "random");
  const bytes = Math.min(SEED_BYTES, streamBytes);
  await using file = await open(path, "wx");
  for (let written = 0; written < bytes; written += CHUNK_BYTES) {
    await file.writeFile(randomBytes(Math.min(CHUNK_BYTES, bytes - written)));
  }
  return {
    path,
    bytes,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

function memoryFolder(): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}
