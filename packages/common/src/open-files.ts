import { readdir, readFile } from "node:fs/promises";
import { PenstockError } from "./errors.ts";

/** Who wants to open how many files, and how an operator allows it. */
export interface OpenFiles {
  /** As "250 streams": it begins the message. */
  readonly what: string;
  readonly needed: number;
  readonly hint: string;
}

/** Throws `failed` if this process may not open so many files beside those that are open. */
export async function assertOpenFiles({ what, needed, hint }: OpenFiles): Promise<void> {
  const open = (await readdir("/proc/self/fd")).length;
  const limit = await openFilesLimit();
  if (open + needed <= limit) return;
  const message = `${what} need ${needed} open files, beside ${open} there are; the limit of this process is ${limit}`;
  throw new PenstockError("failed", message, { hint });
}

/** The limit in force: at its start Node has raised it as far as it may. */
async function openFilesLimit(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8");
  const [, soft = "unlimited"] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}
