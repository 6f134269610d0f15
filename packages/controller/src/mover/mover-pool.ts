import { PenstockError, type TlsMaterial } from "@penstock/common";
import type { Mover } from "./jobs.ts";
import { MoverThread } from "./mover-thread.ts";

/**
 * Several movers as one: a new job goes to the thread with the fewest. The main thread moves no
 * bytes, so it always answers agents and users.
 */
export function openMoverPool(threads: number, tls: TlsMaterial): Mover {
  const movers = Array.from({ length: threads }, () => new MoverThread(tls));
  const leastBusy = (): MoverThread => {
    const [first, ...others] = movers;
    if (first === undefined) throw new PenstockError("internal", "a pool needs a thread");
    return others.reduce((best, mover) => (mover.jobs < best.jobs ? mover : best), first);
  };
  return {
    store: (job, events, signal) => leastBusy().store(job, events, signal),
    deliver: (job, events, signal) => leastBusy().deliver(job, events, signal),
    verify: (job, events, signal) => leastBusy().verify(job, events, signal),
    async [Symbol.asyncDispose]() {
      await Promise.all(movers.map((mover) => mover[Symbol.asyncDispose]()));
    },
  };
}
