import { PenstockError, systemClock } from "@penstock/common";
import { fileKey, type HostFile, type PlannedStream, type RunPlan } from "../producers/producer.ts";
import type { BackupStreams } from "./backup-streams.ts";
import { planFiles } from "./collect.ts";
import type { RunContext } from "./context.ts";
import { endHeld } from "./elsewhere.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";

/** How often it is looked whether the tool is done. */
const LOOK_EVERY_MS = 500;

/** What is waited with. */
export interface Awaiting {
  readonly context: RunContext;
  readonly session: Session;
  readonly streams: BackupStreams;
  readonly stalls: StallWatch;
}

/**
 * Waits for a tool that somebody else has started, or will start: until its streams have ended and
 * the `awaited` files are there. Then ends the streams that are held open. Throws when nothing moves
 * for the plan's stall timeout, or the files do not come in as long.
 */
export async function awaitTool(
  awaiting: Awaiting,
  planned: RunPlan,
  awaited: readonly HostFile[],
): Promise<void> {
  const { session, streams, stalls } = awaiting;
  const held = planned.streams.filter(({ heldOpen }) => heldOpen === true);
  const ending = planned.streams.filter(({ heldOpen }) => heldOpen !== true);
  {
    const { producerType } = awaiting.context;
    const names = planned.streams.map(({ name }) => name);
    using _watched = stalls.running(producerType, awaited[0]?.host ?? "", names);
    await settleAll(streams, ending);
  }
  for (const { name } of held) stalls.finished(name); // from here on they are silent by right
  await untilThere(awaiting, planned, awaited);
  await endHeld(session, held);
  await settleAll(streams, held);
}

async function settleAll(streams: BackupStreams, planned: readonly PlannedStream[]): Promise<void> {
  const settled = streams.named(planned.map(({ name }) => name));
  await Promise.all(settled.map((stream) => stream.settle(null)));
}

async function untilThere(
  { context: { stall, explain }, session }: Awaiting,
  { files }: RunPlan,
  awaited: readonly HostFile[],
): Promise<void> {
  const endMs = performance.now() + stall.backup;
  for (;;) {
    const found = new Set((await planFiles(session, files, explain)).map(fileKey));
    const missing = awaited.find((file) => !found.has(fileKey(file)));
    if (missing === undefined) break;
    if (performance.now() > endMs) {
      const { host, path } = missing;
      const message = `all pipes were written, but there is no file ${path} on ${host}`;
      throw new PenstockError("failed", message);
    }
    await systemClock.delay(LOOK_EVERY_MS, session.signal);
  }
  await systemClock.delay(LOOK_EVERY_MS, session.signal); // the last one may just be written
}
