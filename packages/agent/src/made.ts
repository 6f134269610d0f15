import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";

/**
 * Something that a run makes on its host, as it stands in the run's journal:
 *
 * - `fifo`: a named pipe
 * - `folder`: removed only if it is empty
 * - `file`: a restored regular file, known by its inode, since its path may have been taken before
 * - `temporary`: a regular file whose name nobody else uses
 *
 * No part of `path` is a symbolic link.
 */
export type Made =
  | { readonly kind: "fifo" | "folder" | "temporary"; readonly path: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly device: string;
      readonly inode: string;
    };

const path = z.string().startsWith("/");

/** An entry read back. */
export const madeSchema: z.ZodType<Made> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["fifo", "folder", "temporary"]), path }),
  z.strictObject({ kind: z.literal("file"), path, device: z.string(), inode: z.string() }),
]);

/** Where it is noted what a run makes. */
export interface MadeRecord {
  /** Durable when this resolves, so call it before the things are made. */
  record(made: readonly Made[]): Promise<void>;
  /** Takes back entries (the same objects): these things are not the run's. */
  forget(made: readonly Made[]): Promise<void>;
}

/** The same path without symbolic links in its folder, which must be there. */
export async function canonicalPath(path: string): Promise<string> {
  return join(await realpath(dirname(path)), basename(path));
}
