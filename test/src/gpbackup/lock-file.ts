import { access, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { backupDir, toTimestamp } from "./files.ts";
import { type ClusterState, hostOf } from "./state.ts";

/** A timestamp that no other backup has, and the lock file that says so: `<tmp>/<timestamp>.lck`. */
export interface TakenTimestamp {
  readonly timestamp: string;
  readonly file: string;
}

/** Takes the next second that is free. */
export async function takeTimestamp(state: ClusterState): Promise<TakenTimestamp> {
  const { tmpDir } = hostOf(state, state.coordinator);
  await mkdir(tmpDir, { recursive: true });
  for (;;) {
    const timestamp = toTimestamp(new Date());
    const file = join(tmpDir, `${timestamp}.lck`);
    const isOurs = await open(file, "wx").then(async (handle) => {
      await handle.close();
      return true;
    }, isThere);
    if (isOurs && !(await exists(backupDir(state.coordinator, timestamp))))
      return { timestamp, file };
    await delay(100);
  }
}

function isThere(error: NodeJS.ErrnoException): false {
  if (error.code !== "EEXIST") throw error;
  return false;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
