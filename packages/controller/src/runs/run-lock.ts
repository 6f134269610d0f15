import { realpath } from "node:fs/promises";
import { lockByName, PenstockError } from "@penstock/common";
import type { RunFolder } from "./run-folder.ts";

/** Makes this process the only one on this host that works on a run. Throws `locked` if another does. */
export async function lockRun({ path, run }: RunFolder): Promise<AsyncDisposable> {
  const lock = await lockByName(`run ${await realpath(path)}`);
  if (lock !== undefined) return lock;
  const message = `run ${run}: a process of this host is at work on it`;
  throw new PenstockError("locked", message, { hint: "see: penstock status" });
}
