import { type RestoreSink, RestoreStream } from "@penstock/agent/simulation";
import { Pace, PenstockError, raceAbort, toError } from "@penstock/common";
import { deliver } from "@penstock/controller/simulation";
import { AgentHost, LEASE_MS } from "./agent-host.ts";
import { Consumer, type ConsumerPlan } from "./consumer.ts";
import { Controller } from "./controller.ts";
import { Disk } from "./disk.ts";
import { READ_BYTES } from "./disk-target.ts";
import { drawFaults, type Faults } from "./faults.ts";
import { Network } from "./network.ts";
import type { Random } from "./random.ts";
import {
  attend,
  checkNothingLeft,
  LIMIT_MS,
  OPEN,
  openTargets,
  STREAM,
  setPace,
} from "./setting.ts";
import type { Ending } from "./simulate.ts";
import { type Stored, store } from "./stored-stream.ts";
import { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** What is drawn for a restore beside its faults. */
interface Plan extends Faults {
  readonly data: Buffer;
  readonly segmentBytes: number;
  readonly replayBytes: number;
  readonly consumer: ConsumerPlan;
}

/** One stored stream is restored: its consumer sees all of it and an end, or no end. */
export async function simulateRestore(world: World): Promise<Ending> {
  const plan = drawPlan(world.random);
  const stored = await store(plan.data, plan.segmentBytes);
  return await new Restore(world, plan, stored).run();
}

function drawPlan(random: Random): Plan {
  const faults = drawFaults(random);
  const isMortal = random.chance(0.1);
  return {
    ...faults,
    isHarmless: faults.isHarmless && !isMortal && faults.crashes.length === 0,
    data: random.bytes(random.chance(0.05) ? 0 : random.magnitude(1, 40_000)),
    segmentBytes: random.chance(0.5) ? random.magnitude(2_000, 40_000) : 8 * 1024 ** 3,
    replayBytes: random.magnitude(2_000, 60_000),
    consumer: {
      opensMs: random.chance(0.2) ? random.between(0, 30_000) : 0,
      mostDelayMs: random.magnitude(1, 500),
      stall: random.chance(0.3)
        ? { beforeWrite: random.magnitude(1, 30), ms: random.between(100, 40_000) }
        : undefined,
      diesAtWrite: isMortal ? random.magnitude(1, 40) : undefined,
    },
  };
}

class Restore {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #stored: Stored;
  readonly #network: Network;
  readonly #disk: Disk;
  readonly #agent: VirtualProcess;
  readonly #mover: VirtualProcess;
  readonly #consumer: Consumer;
  readonly #host: AgentHost;
  #error: Error | undefined;
  #ackedBytes = 0;
  #isDelivered = false;
  #isOver = false;

  constructor(world: World, plan: Plan, stored: Stored) {
    this.#world = world;
    this.#plan = plan;
    this.#stored = stored;
    this.#network = new Network(world, plan.network);
    this.#disk = new Disk(world, plan.disk);
    for (const [key, bytes] of stored.objects) this.#disk.visible.set(key, bytes);
    this.#agent = new VirtualProcess("agent", world.clock);
    this.#mover = new VirtualProcess("mover", world.clock);
    this.#consumer = new Consumer(world, this.#agent, plan.consumer);
    const open = (signal: AbortSignal): Promise<RestoreSink> => this.#consumer.open(signal);
    const stream = new RestoreStream("none", open, this.#agent.clock);
    this.#host = new AgentHost(world, this.#agent, this.#network, stream, this.#consumer);
    this.#observe();
    this.#planCrash();
  }

  async run(): Promise<Ending> {
    const { clock } = this.#world;
    void this.#control();
    await clock.run(() => this.#isOver && this.#host.isGone, LIMIT_MS);
    if (!this.#isOver) this.#world.violated("the mover's side has not ended");
    if (!this.#host.isGone) this.#world.violated("the agent's side has not ended");
    await clock.run(() => false, clock.nowMs() + 10 * LEASE_MS);
    return this.#check();
  }

  /** The controller and its mover, to the consumer's exit or to the end of the run. */
  async #control(): Promise<void> {
    const controller = new Controller(this.#world, this.#mover, this.#network, this.#host);
    attend(this.#world, controller, this.#plan);
    try {
      await this.#deliver(controller);
      this.#isDelivered = true;
      this.#world.note("mover", () => "delivered");
      const exitCode = await raceAbort(controller.toolEnd, controller.signal);
      if (exitCode !== 0) throw new PenstockError("failed", `the tool exited with ${exitCode}`);
    } catch (error) {
      this.#error = toError(error);
      controller.fail(this.#error);
    }
    await controller.endRun();
    this.#isOver = true;
  }

  async #deliver(controller: Controller): Promise<void> {
    const [target] = openTargets([this.#disk], this.#mover);
    if (target === undefined) throw new Error("no target");
    const pace = new Pace(this.#mover.clock);
    setPace(this.#world, pace, this.#plan);
    await deliver(
      {
        to: STREAM,
        target: { url: target.url },
        receipt: this.#stored.receipt,
        rate: undefined,
      },
      Promise.resolve(target),
      {
        link: controller.link(OPEN),
        pace,
        limitBytes: () => this.#plan.replayBytes,
      },
      controller.events,
      controller.signal,
    );
  }

  /** Nobody takes over a restore: its consumer cannot be shown the end of it by another. */
  #planCrash(): void {
    const [crash] = this.#plan.crashes;
    if (crash === undefined) return;
    const victim = crash.who === "mover" ? this.#mover : this.#agent;
    this.#world.atStep(crash.step, () => {
      if (this.#isOver) return;
      this.#world.note(victim.name, () => (crash.isHostGone ? "its host is gone" : "is killed"));
      victim.kill();
      this.#network.lose(victim, crash.isHostGone);
      if (crash.who === "mover") this.#isOver = true;
      else this.#consumer.kill(); // the agent's keeper does, before it lets go of the pipe
    });
  }

  /** What must hold at every moment. */
  #observe(): void {
    this.#network.onSend = (from, message) => {
      if ("wire" in message) this.#checkHeld(message.offset + message.data.length);
      if (from !== this.#agent || "wire" in message) return;
      const said = message.message;
      if (said?.$case !== "ack" || Number(said.value.offset) <= this.#consumer.takenBytes) return;
      const taken = `the consumer has taken ${this.#consumer.takenBytes}`;
      this.#world.violated(`${said.value.offset} bytes acknowledged, ${taken}`);
    };
    this.#network.onArrival = (at, body) => {
      if (at !== this.#mover || body.$case !== "ack") return;
      this.#ackedBytes = Math.max(this.#ackedBytes, Number(body.value.offset));
    };
  }

  /** What is sent and not acknowledged is held, to be sent again. */
  #checkHeld(sentBytes: number): void {
    const heldBytes = sentBytes - this.#ackedBytes;
    const { replayBytes } = this.#plan;
    // A frame more than the limit.
    if (heldBytes <= replayBytes + READ_BYTES) return;
    this.#world.violated(`the mover holds ${heldBytes} bytes, its limit is ${replayBytes}`);
  }

  #check(): Ending {
    const { bytes, exitCode } = this.#consumer;
    const { data } = this.#plan;
    const violated = (what: string): void => this.#world.violated(what);
    const isComplete = exitCode === 0;
    if (!bytes.equals(data.subarray(0, bytes.length)))
      violated("the consumer was given wrong bytes");
    if (isComplete && bytes.length < data.length) violated("the consumer saw an end too early");
    if (this.#isDelivered && !isComplete) violated("delivered, but the consumer saw no end");
    if (exitCode === undefined) violated("the consumer is left");
    if (this.#plan.isHarmless && !(isComplete && this.#isDelivered)) {
      violated(`the run failed without need: ${this.#error?.message}`);
    }
    checkNothingLeft(this.#world, this.#network, [this.#agent, this.#mover]);
    return isComplete ? "complete" : "absent";
  }
}
