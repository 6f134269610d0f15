import { randomBytes } from "node:crypto";
import { link, lstat, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { type CertificatePair, isErrno, PenstockError, toError } from "@penstock/common";

/**
 * Writes `NAME.pem` (0644) and `NAME.key` (0600) into a folder, both or neither: each appears whole
 * and durable, and nothing is ever overwritten. Returns their paths. Throws `usage` if one of them
 * is there already, else `failed`.
 */
export async function writePair(
  folder: string,
  name: string,
  pair: CertificatePair,
): Promise<readonly string[]> {
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  await assertFree(folder, name);
  const made: string[] = [];
  try {
    made.push(await writeNew(key, pair.key, 0o600));
    made.push(await writeNew(cert, pair.cert, 0o644));
    await syncFolder(folder);
  } catch (error) {
    for (const path of made) await rm(path, { force: true });
    throw error;
  }
  return [cert, key];
}

/** Throws `usage` if either file is there: before any work is done for it. */
export async function assertFree(folder: string, name: string): Promise<void> {
  for (const path of [join(folder, `${name}.pem`), join(folder, `${name}.key`)]) {
    if (await exists(path)) throw taken(path);
  }
}

/** A second name for a complete file: unlike `rename`, `link` does not replace what is there. */
async function writeNew(path: string, text: string, mode: number): Promise<string> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeSynced(temporary, text, mode);
    await link(temporary, path);
    return path;
  } catch (error) {
    throw isErrno(error, "EEXIST") ? taken(path) : unwritable(path, toError(error));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  await using file = await open(path, "wx", mode);
  await file.writeFile(text);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw unwritable(path, toError(error));
  }
}

function taken(path: string): PenstockError {
  return new PenstockError("usage", `${path} is there already`, {
    hint: "nothing is overwritten: move it away, or choose another name or folder",
  });
}

function unwritable(path: string, cause: Error): PenstockError {
  return new PenstockError("failed", `write ${path}: ${cause.message}`, { cause });
}
