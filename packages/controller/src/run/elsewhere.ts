import { type Clock, PenstockError, systemClock } from "@penstock/common";
import type { PlannedStream } from "../producers/producer.ts";
import type { HeldRun } from "./held-run.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { together } from "./together.ts";

/** The word that a pipe was opened comes from another host than the word that the tool has ended. */
const LEAST_GRACE_MS = 2_000;

/** What of a session is used here. */
export type ElsewhereSession = Pick<Session, "ref" | "signal" | "guard" | "miss"> & {
  held(host: string): Pick<HeldRun, "call" | "streamOpened">;
};

/** The end of a tool. */
export interface EndedTool {
  readonly session: ElsewhereSession;
  readonly stalls: Pick<StallWatch, "toolEnded">;
  readonly graceMs: number;
  readonly clock?: Clock;
}

/**
 * Sees to the pipes that a tool has on other hosts than its own: the agents there do not know that it
 * has ended. Held ones end now. One that nobody has opened when the grace is over counts as missing; one
 * that somebody keeps open fails the run when it has been silent for as long.
 */
export async function toolEndedElsewhere(
  ended: EndedTool,
  streams: readonly PlannedStream[],
): Promise<void> {
  const { session, stalls, graceMs } = ended;
  await endHeld(session, streams);
  const names = streams.map(({ name }) => name);
  stalls.toolEnded(names, graceMs);
  for (const stream of streams) session.guard(expectOpened(ended, stream));
}

/** Ends those of these streams that are held open: what is in their pipes is read before. */
async function endHeld(
  session: ElsewhereSession,
  streams: readonly PlannedStream[],
): Promise<void> {
  const { ref, signal } = session;
  const held = streams.filter(({ heldOpen }) => heldOpen === true);
  await together([...new Set(held.map(({ host }) => host))], async (host) => {
    const names = held.filter((stream) => stream.host === host).map(({ name }) => name);
    await session.held(host).call((agent) => agent.endStreams({ ref, names }, signal), signal);
  });
}

/** Its agent must have been heard since: else it may only not have been able to say so. */
async function expectOpened(
  { session, graceMs, clock = systemClock }: EndedTool,
  { name, host, kind, path }: PlannedStream,
): Promise<void> {
  if (kind !== "fifo") return;
  const { ref, signal } = session;
  const held = session.held(host);
  let isOpen = false;
  const opened = held.streamOpened(name).then(() => {
    isOpen = true;
  });
  const within = (ms: number): Promise<void> =>
    Promise.race([opened, clock.delay(ms, signal)]).catch(() => {});
  await within(Math.max(graceMs, LEAST_GRACE_MS));
  if (isOpen || signal.aborted) return;
  await held.call((agent) => agent.renewLease(ref, signal), signal);
  await within(LEAST_GRACE_MS);
  if (isOpen || signal.aborted) return;
  const files = await held.call((agent) => agent.findFiles(ref, [path], signal), signal);
  const instead = files.some((file) => file.path === path)
    ? `: ${path} is a regular file now, written to the disk of ${host}`
    : "";
  const message = `stream ${name} of ${host}: its pipe was never opened by its tool${instead}`;
  session.miss(name, new PenstockError("not_found", message));
}
