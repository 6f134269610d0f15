import { chmod } from "node:fs/promises";
import { run } from "./child.ts";

/**
 * A folder that nobody can write to, root included, until it is disposed of: an ordinary user takes
 * away its own permission, root mounts an empty read-only file system over it.
 */
export async function makeUnwritable(
  folder: string,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  if (process.getuid?.() !== 0) {
    await chmod(folder, 0o500);
    return { [Symbol.asyncDispose]: () => chmod(folder, 0o700) };
  }
  await run("mount", ["-t", "tmpfs", "-o", "ro,size=4k", "tmpfs", folder], {}, signal);
  return {
    async [Symbol.asyncDispose]() {
      await run("umount", [folder], {}, signal);
    },
  };
}
