import { PenstockError, systemClock } from "@penstock/common";
import type { PlannedStream } from "../producers/producer.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";

/** The word that a pipe was opened comes from another host than the word that the tool has ended. */
const LEAST_GRACE_MS = 2_000;

/**
 * Sees to the pipes that a tool has on other hosts than its own: the agents there do not know that it
 * has ended. Held ones end now. One that nobody has opened when the grace is over counts as missing.
 */
export async function toolEndedElsewhere(
  session: Session,
  streams: readonly PlannedStream[],
  graceMs: number,
): Promise<void> {
  await endHeld(session, streams);
  for (const stream of streams) session.guard(expectOpened(session, stream, graceMs));
}

/** Ends those of these streams that are held open: what is in their pipes is read before. */
export async function endHeld(session: Session, streams: readonly PlannedStream[]): Promise<void> {
  const { ref, signal } = session;
  const held = streams.filter(({ heldOpen }) => heldOpen === true);
  await together([...new Set(held.map(({ host }) => host))], async (host) => {
    const names = held.filter((stream) => stream.host === host).map(({ name }) => name);
    await session.held(host).call((agent) => agent.endStreams({ ref, names }, signal), signal);
  });
}

/** Its agent must have been heard since: else it may only not have been able to say so. */
async function expectOpened(
  session: Session,
  { name, host, kind, path }: PlannedStream,
  graceMs: number,
): Promise<void> {
  if (kind !== "fifo") return;
  const { ref, signal } = session;
  const held = session.held(host);
  let isOpen = false;
  const opened = held.streamOpened(name).then(() => {
    isOpen = true;
  });
  const within = (ms: number): Promise<void> =>
    Promise.race([opened, systemClock.delay(ms, signal)]).catch(() => {});
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
