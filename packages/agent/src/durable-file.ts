import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

const TEMPORARY = ".tmp";

/**
 * Replaces a small file so that a power cut leaves the old text or the new one. One writer at a
 * time: the new text first goes to the same name with `.tmp`.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}${TEMPORARY}`;
  await using file = await open(temporary, "w", 0o600);
  await file.writeFile(text);
  await file.sync();
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** True for the name of a new text whose writer died before it took the place of the old one. */
export function isUnfinished(name: string): boolean {
  return name.endsWith(TEMPORARY);
}

/** Makes new, renamed and removed names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}
