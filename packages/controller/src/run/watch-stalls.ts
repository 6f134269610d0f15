import type { PlannedStream } from "../producers/producer.ts";
import type { RunContext } from "./context.ts";
import type { Session } from "./session.ts";
import { type StallOptions, StallWatch } from "./stall-watch.ts";

/** Watches a run for what stands still: then the run fails. `targets` are those it moves bytes to or from. */
export function watchStalls(
  { stall, pace, targets }: Pick<RunContext, "stall" | "pace" | "targets">,
  session: Session,
  direction: StallOptions["direction"],
): StallWatch {
  return new StallWatch({
    direction,
    run: session.ref.run,
    timeoutMs: stall[direction],
    targets: targets.map(({ target }) => target.url),
    rateOf: (stream) => pace.rateOf(stream),
    fail: (error) => session.fail(error),
  });
}

/** Watches a stream of the run from now on, until it is finished. */
export function watchStream(
  stalls: StallWatch,
  session: Session,
  { name, host, kind, whileItWaits }: PlannedStream,
): void {
  stalls.attached(name, host, whileItWaits);
  if (kind !== "fifo") return;
  void session
    .held(host)
    .streamOpened(name)
    .then(() => stalls.opened(name));
}
