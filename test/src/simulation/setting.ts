import { type DialingSource, type Pace, PenstockError } from "@penstock/common";
import type { StoreJob } from "@penstock/controller/simulation";
import { LEASE_MS } from "./agent-host.ts";
import type { Controller } from "./controller.ts";
import type { Disk } from "./disk.ts";
import { DiskTarget } from "./disk-target.ts";
import type { Faults } from "./faults.ts";
import type { Network } from "./network.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** By when the run of one short stream must have ended, whatever happens to it. */
export const LIMIT_MS = 600_000;

/** The set, and the unit of work of whoever writes it. */
export const SCOPE = "c/20260101000000";
export const KEY: string = `${SCOPE}/streams/db1`;
export const MANIFEST: string = `${SCOPE}/manifest.json`;

/** The one stream of the one agent. */
export const STREAM: StoreJob["from"] = {
  host: "db1",
  address: "db1:7411",
  run: SCOPE,
  token: Buffer.alloc(32),
  protocol: 1,
  stream: "db1",
  patienceMs: LEASE_MS,
};

/** What a mover says first on each connection. */
export const OPEN: ConstructorParameters<typeof DialingSource>[0]["open"] = {
  ref: { run: STREAM.run, token: Buffer.from(STREAM.token) },
  stream: STREAM.stream,
  protocol: STREAM.protocol,
};

/** The disks as targets of a process. */
export function openTargets(disks: readonly Disk[], process: VirtualProcess): DiskTarget[] {
  return disks.map((disk, index) => new DiskTarget(disk, process, `disk${index}`));
}

/** The stream's pace, as its operator sets it. */
export function setPace(world: World, stream: Pace, { pace }: Faults): void {
  if (pace === undefined) return;
  stream.rate = pace.bytesPerSecond;
  world.clock.after(pace.untilMs, () => {
    stream.rate = undefined;
  });
}

/** Cancels when the operator does, and holds that a connection needs a reason to break. */
export function attend(world: World, controller: Controller, faults: Faults): void {
  const { cancelMs, isUnbroken } = faults;
  if (isUnbroken) controller.onReconnect = (why) => world.violated(`broken without need: ${why}`);
  if (cancelMs === undefined) return;
  controller.process.clock.after(cancelMs, () =>
    controller.fail(new PenstockError("failed", "cancelled")),
  );
}

/** Nothing of a run that has ended may be left of those who live: connections, timers, waits. */
export function checkNothingLeft(
  world: World,
  network: Network,
  processes: readonly VirtualProcess[],
): void {
  for (const process of processes.filter(({ isAlive }) => isAlive)) {
    const open = network.openEnds(process);
    if (open.length > 0) world.violated(`${process.name} has left connections ${open} open`);
    if (process.timers > 0) world.violated(`${process.name} has left ${process.timers} timers`);
  }
}
