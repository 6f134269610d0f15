import { toError } from "@penstock/common";
import { type ForkedStreams, stopForked } from "./stop-forked.ts";
import type { StraySearch } from "./stop-strays.ts";

/** The part of a logger that is needed here. */
interface EndLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a run has to be rid of. Each of these may be called once more. */
export interface RunRemains {
  readonly tools: { stop(): Promise<void> };
  readonly plugin: { settled(): Promise<void> };
  readonly streams: ForkedStreams & { refuseMore(): void };
  readonly keepers: AsyncDisposable;
  readonly journal: { readonly straySearch: StraySearch; removeMade(): Promise<void> };
  readonly log: EndLog;
}

/**
 * Stops what a run has started and removes what it has made. Never rejects: what fails is logged, and the
 * rest is still done.
 *
 * The order matters: to a consumer our closing is a clean end, so it must be dead before. If one does
 * not die, the pipes of a restore stay open, and so do their keepers, which kill it when we end.
 */
export async function endRun(
  { tools, plugin, streams, keepers, journal, log }: RunRemains,
  { isAborted }: { readonly isAborted: boolean },
): Promise<void> {
  const succeeds = async (step: () => Promise<void>): Promise<boolean> => {
    try {
      await step();
      return true;
    } catch (error) {
      log.error({ err: toError(error) }, "cannot clean up after the run");
      return false;
    }
  };
  streams.refuseMore();
  const areToolsGone = await succeeds(() => tools.stop());
  const areOthersGone =
    !isAborted || (await succeeds(() => stopForked(streams, journal.straySearch, log)));
  const mayClose = areToolsGone && areOthersGone;
  await succeeds(() => streams.close(mayClose ? "all" : "without consumers"));
  if (mayClose) await succeeds(async () => await keepers[Symbol.asyncDispose]());
  await succeeds(() => plugin.settled());
  await succeeds(() => journal.removeMade());
}
