import { BackupStream, MemoryBudget } from "@penstock/agent/simulation";
import { PenstockError, raceAbort, toError } from "@penstock/common";
import { startStore } from "@penstock/controller/simulation";
import { AgentHost, LEASE_MS } from "./agent-host.ts";
import { BackupLaws } from "./backup-laws.ts";
import { type BackupPlan, drawBackupPlan } from "./backup-plan.ts";
import { Controller } from "./controller.ts";
import { Disk } from "./disk.ts";
import type { DiskTarget } from "./disk-target.ts";
import { Dump } from "./dump.ts";
import type { Crash } from "./faults.ts";
import { Network } from "./network.ts";
import {
  attend,
  KEY,
  LIMIT_MS,
  MANIFEST,
  OPEN,
  openTargets,
  SCOPE,
  STREAM,
  setPace,
} from "./setting.ts";
import type { Ending } from "./simulate.ts";
import { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** One stream is backed up, from its tool to the commit, or to the end of a run that fails. */
export async function simulateBackup(world: World): Promise<Ending> {
  return await new Backup(world, drawBackupPlan(world.random)).run();
}

class Backup {
  readonly #world: World;
  readonly #plan: BackupPlan;
  readonly #network: Network;
  readonly #disks: readonly Disk[];
  readonly #agent: VirtualProcess;
  /** One after another; the last one is at work. */
  readonly #movers: VirtualProcess[] = [];
  readonly #dump: Dump;
  readonly #host: AgentHost;
  readonly #laws: BackupLaws;
  #error: Error | undefined;
  #isOver = false;

  constructor(world: World, plan: BackupPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#network = new Network(world, plan.network);
    this.#disks = Array.from({ length: plan.targets }, () => new Disk(world, plan.disk));
    this.#agent = new VirtualProcess("agent", world.clock);
    this.#dump = new Dump(world, this.#agent, plan.dump, world.random);
    const budget = new Budget(plan.replayBytes);
    const stream = new BackupStream(
      this.#dump,
      { codec: "none", format: undefined },
      budget,
      this.#agent.clock,
    );
    setPace(world, stream.pace, plan);
    this.#host = new AgentHost(world, this.#agent, this.#network, stream, this.#dump);
    this.#laws = new BackupLaws({
      world,
      plan,
      network: this.#network,
      disks: this.#disks,
      agent: this.#agent,
      dump: this.#dump,
    });
    for (const crash of plan.crashes) this.#planCrash(crash);
  }

  async run(): Promise<Ending> {
    const { clock } = this.#world;
    void this.#control(this.#startMover());
    await clock.run(() => this.#isOver && this.#host.isGone, LIMIT_MS);
    if (!this.#isOver) this.#world.violated("the mover's side has not ended");
    if (!this.#host.isGone) this.#world.violated("the agent's side has not ended");
    await clock.run(() => false, clock.nowMs() + 10 * LEASE_MS);
    return this.#laws.check(this.#movers, this.#error);
  }

  #startMover(): VirtualProcess {
    const name = this.#movers.length === 0 ? "mover" : `mover${this.#movers.length + 1}`;
    const mover = new VirtualProcess(name, this.#world.clock);
    this.#movers.push(mover);
    return mover;
  }

  /** The controller and its mover, to the commit or to the end of the run. */
  async #control(mover: VirtualProcess): Promise<void> {
    const controller = new Controller(this.#world, mover, this.#network, this.#host);
    attend(this.#world, controller, this.#plan);
    const targets = openTargets(this.#disks, mover);
    try {
      if (!(await this.#finishCommit(targets))) await this.#store(controller, targets);
    } catch (error) {
      this.#error = toError(error);
      controller.fail(this.#error);
    }
    await controller.endRun();
    await this.#sweep(mover);
    this.#isOver = true;
  }

  async #store(controller: Controller, targets: readonly DiskTarget[]): Promise<void> {
    const { segmentBytes } = this.#plan;
    const task = startStore(
      {
        from: STREAM,
        targets: [],
        place: { key: KEY, scope: SCOPE, segmentBytes },
        takesOver: this.#movers.length > 1,
      },
      Promise.resolve(targets),
      controller.link(OPEN),
      controller.events,
      controller.signal,
    );
    try {
      task.received.catch((error: unknown) => controller.fail(toError(error)));
      const stored = await task.received;
      const exitCode = await raceAbort(controller.toolEnd, controller.signal);
      if (exitCode !== 0) throw new PenstockError("failed", `the tool exited with ${exitCode}`);
      const keys = (await task.publish()).map(({ key }) => key);
      const manifest = Buffer.from(JSON.stringify({ stored, keys }));
      for (const target of targets) await target.putIfAbsent(MANIFEST, manifest, this.#world.never);
      this.#world.note(controller.process.name, () => "committed");
    } finally {
      await task.discard();
      // What a dead mover left, the sweep removes.
      const isFirst = this.#movers.length === 1;
      const left = this.#disks.some(({ unfinished }) => unfinished.size > 0);
      if (isFirst && left)
        this.#world.violated("a task that was discarded has left unfinished objects");
    }
  }

  /** If the one before has committed on one target, so do we on the others. */
  async #finishCommit(targets: readonly DiskTarget[]): Promise<boolean> {
    const manifest = this.#disks.map(({ visible }) => visible.get(MANIFEST)).find(Boolean);
    if (manifest === undefined) return false;
    for (const target of targets) await target.putIfAbsent(MANIFEST, manifest, this.#world.never);
    return true;
  }

  async #sweep(process: VirtualProcess): Promise<void> {
    for (const target of openTargets(this.#disks, process)) {
      const swept = (): Promise<void> => target.sweep(SCOPE, this.#world.never);
      await swept().catch(swept); // the planned error comes once
    }
  }

  #planCrash(crash: Crash): void {
    this.#world.atStep(crash.step, () => {
      const mover = this.#movers.at(-1);
      const victim = crash.who === "mover" ? mover : this.#agent;
      if (this.#isOver || victim?.isAlive !== true) return;
      this.#world.note(victim.name, () => (crash.isHostGone ? "its host is gone" : "is killed"));
      victim.kill();
      this.#network.lose(victim, crash.isHostGone);
      if (victim !== mover) return;
      if (crash.isPowerCut) for (const disk of this.#disks) disk.powerCut();
      void this.#goOn(crash.nextAfterMs);
    });
  }

  /** The next command takes over, or only finds what the dead one left. */
  async #goOn(afterMs: number | undefined): Promise<void> {
    const next = this.#startMover();
    await next.clock.delay(afterMs ?? 0, this.#world.never);
    if (afterMs !== undefined) await this.#control(next);
    else {
      await this.#sweep(next);
      this.#isOver = true;
    }
  }
}

/** Less than a real one ever gives, so that a short stream fills it. */
class Budget extends MemoryBudget {
  readonly #bytes: number;

  constructor(bytes: number) {
    super(bytes, bytes);
    this.#bytes = bytes;
  }

  override share(): number {
    return this.#bytes;
  }
}
