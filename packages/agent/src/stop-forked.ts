import { LOG_FIELD } from "@penstock/common";
import { killReaders } from "./kill-readers.ts";
import { type StrayLog, type StraySearch, stopStrays } from "./stop-strays.ts";

/** Which streams of a run to close: those whose closing no consumer can take for its end, or all. */
export type ClosedStreams = "all" | "backup" | "without consumers";

/** The streams of a run, as far as its end needs them. */
export interface ForkedStreams {
  /** The pipes there are of one direction. */
  pipesOf(direction: "backup" | "restore"): string[];
  /** Waits until nothing is being prepared. Repeating it is harmless. */
  close(which: ClosedStreams): Promise<void>;
}

/**
 * Stops what others, like a database server, have started for the tools of a run that is aborted. Closes
 * the streams of a backup, which must not take for their end what comes of it. A consumer of a restore is
 * gone when this resolves; throws `failed`, with the strays stopped all the same, if one does not die.
 */
export async function stopForked(
  streams: ForkedStreams,
  search: StraySearch,
  log: StrayLog,
): Promise<void> {
  const closed = await streams.close("backup").then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const pipes = streams.pipesOf("restore");
  const kill = async (): Promise<void> => {
    for (const pid of await killReaders(pipes)) {
      log.info({ [LOG_FIELD.pid]: pid }, "reader of a pipe killed");
    }
  };
  await kill().catch(() => {}); // told by the second time
  await stopStrays(search, log);
  await kill(); // what a stray has started meanwhile
  if (closed !== undefined) throw closed.error;
}
