import { LOG_FIELD } from "@penstock/common";
import { killReaders } from "./kill-readers.ts";
import type { RunStreams } from "./run-streams.ts";
import { type StrayLog, type StraySearch, stopStrays } from "./stop-strays.ts";

/**
 * Stops what others, like a database server, have started for the tools of a run that is aborted: the
 * tools must be gone. Closes the streams of a backup, which must not take for their end what comes of
 * it. A consumer of a restore is gone when this resolves; throws `failed` if one does not die.
 */
export async function stopForked(
  streams: RunStreams,
  search: StraySearch,
  log: StrayLog,
): Promise<void> {
  await streams.close("backup");
  const pipes = streams.pipesOf("restore");
  const kill = async (): Promise<void> => {
    for (const pid of await killReaders(pipes)) {
      log.info({ [LOG_FIELD.pid]: pid }, "reader of a pipe killed");
    }
  };
  await kill();
  await stopStrays(search, log);
  await kill(); // what a stray has started meanwhile
}
