import { type Clock, PenstockError, systemClock } from "@penstock/common";
import type { FoundFile } from "@penstock/proto";
import type { HostFile, PlannedStream, RunPlan } from "../producers/producer.ts";
import type { AgentClient } from "./agent-client.ts";
import type { BackupStreams } from "./backup-streams.ts";
import type { RunContext } from "./context.ts";
import { type ElsewhereSession, toolEndedElsewhere } from "./elsewhere.ts";
import type { StallWatch } from "./stall-watch.ts";
import { together } from "./together.ts";

/** How long to wait at first, and at most, between two looks whether the tool is done. */
const LOOK_AGAIN_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** What is waited with. */
export interface Awaiting {
  readonly context: Pick<RunContext, "producerType" | "stall" | "graceMs">;
  readonly session: ElsewhereSession;
  readonly streams: Pick<BackupStreams, "named">;
  readonly stalls: Pick<StallWatch, "running" | "mayBeSilent" | "quietForMs" | "toolEnded">;
  readonly clock?: Clock;
}

/**
 * Waits for a tool that somebody else has started, or will start: until its streams have ended and
 * the `awaited` files are there. Then ends the streams that are held open. Throws when nothing moves
 * for the plan's stall timeout, or the files do not come in as long after the last byte of any stream; and
 * when somebody keeps a stream that was held open from its end for longer than the grace.
 */
export async function awaitTool(
  awaiting: Awaiting,
  planned: RunPlan,
  awaited: readonly HostFile[],
): Promise<void> {
  const { context, session, streams, stalls, clock } = awaiting;
  const held = planned.streams.filter(({ heldOpen }) => heldOpen === true);
  const ending = planned.streams.filter(({ heldOpen }) => heldOpen !== true);
  {
    const names = namesOf(planned.streams);
    using _watched = stalls.running(context.producerType, awaited[0]?.host ?? "", names);
    await settleAll(streams, ending);
  }
  stalls.mayBeSilent(namesOf(held));
  await untilThere(awaiting, namesOf(held), awaited);
  await toolEndedElsewhere(
    { session, stalls, graceMs: context.graceMs, ...(clock && { clock }) },
    held,
  );
  await settleAll(streams, held);
}

function namesOf(streams: readonly PlannedStream[]): string[] {
  return streams.map(({ name }) => name);
}

async function settleAll(
  streams: Awaiting["streams"],
  planned: readonly PlannedStream[],
): Promise<void> {
  const settled = streams.named(namesOf(planned));
  await Promise.all(settled.map((stream) => stream.settle(null)));
}

async function untilThere(
  { context: { stall }, session, stalls, clock = systemClock }: Awaiting,
  held: readonly string[],
  awaited: readonly HostFile[],
): Promise<void> {
  const beganMs = clock.nowMs();
  let missing = await missingOf(session, awaited);
  for (let pauseMs = LOOK_AGAIN_MS; missing.length > 0; ) {
    const waitedMs = Math.min(clock.nowMs() - beganMs, stalls.quietForMs(held));
    if (waitedMs > stall.backup) throw notThere(missing);
    await clock.delay(pauseMs, session.signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    missing = await missingOf(session, missing);
  }
  await clock.delay(LOOK_AGAIN_MS, session.signal); // the last one may just be written
}

/** Each host is asked at most once: every call is a line in its agent's log. */
async function missingOf(
  session: ElsewhereSession,
  files: readonly HostFile[],
): Promise<readonly HostFile[]> {
  const { ref, signal } = session;
  const byHost = [...Map.groupBy(files, ({ host }) => host)];
  const missing = await together(byHost, async ([host, own]) => {
    const paths = own.map(({ path }) => path);
    const find = (agent: AgentClient): Promise<FoundFile[]> => agent.findFiles(ref, paths, signal);
    const found = await session.held(host).call(find, signal);
    const there = new Set(found.map(({ path }) => path));
    return own.filter(({ path }) => !there.has(path));
  });
  return missing.flat();
}

function notThere([missing]: readonly HostFile[]): PenstockError {
  const message = `all pipes were written, but there is no file ${missing?.path} on ${missing?.host}`;
  return new PenstockError("failed", message);
}
