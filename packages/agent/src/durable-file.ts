import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a small file so that a power cut leaves the old text or the new one. One writer at a
 * time: the new text first goes to the same name with `.tmp`.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await using file = await open(temporary, "w", 0o600);
  await file.writeFile(text);
  await file.sync();
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes new, renamed and removed names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}
