import { createHash } from "node:crypto";
import type { StoredStream } from "@penstock/controller/simulation";
import { type BackupPlan, MOST_CHUNK_BYTES } from "./backup-plan.ts";
import type { Disk } from "./disk.ts";
import type { Dump } from "./dump.ts";
import type { Network } from "./network.ts";
import { checkNothingLeft, KEY, MANIFEST } from "./setting.ts";
import type { Ending } from "./simulate.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** What a backup's laws are about. */
export interface BackupScene {
  readonly world: World;
  readonly plan: BackupPlan;
  readonly network: Network;
  readonly disks: readonly Disk[];
  readonly agent: VirtualProcess;
  readonly dump: Dump;
}

/** What must hold for every backup, at every moment and at its end. */
export class BackupLaws {
  readonly #scene: BackupScene;
  #ackedBytes = 0;

  constructor(scene: BackupScene) {
    this.#scene = scene;
    this.#observe();
  }

  /** When all is over. `error` is why the run failed, if it did. */
  check(movers: readonly VirtualProcess[], error: Error | undefined): Ending {
    const { world, plan, network, disks, agent, dump } = this.#scene;
    const committed = disks.filter(({ visible }) => visible.has(MANIFEST)).length;
    for (const disk of disks) this.#checkDisk(disk);
    this.#checkDurable(0, "durable");
    checkNothingLeft(world, network, [agent, ...movers]);
    if (agent.isAlive && dump.reads > 0) world.violated("a read of the pipe is left");
    if (plan.isHarmless && committed < disks.length) {
      world.violated(`the run failed without need: ${error?.message}`);
    }
    return committed > 0 ? "complete" : "absent";
  }

  #observe(): void {
    const { network, agent, dump } = this.#scene;
    network.onSend = (from, message) => {
      if (from === agent || "wire" in message) return;
      const said = message.message;
      if (said?.$case === "ack") this.#checkDurable(Number(said.value.offset), "acknowledged");
      if (said?.$case === "finished") this.#checkDurable(dump.bytes.length, "finished");
    };
    network.onArrival = (at, body) => {
      if (at !== agent || body.$case !== "ack") return;
      this.#ackedBytes = Math.max(this.#ackedBytes, Number(body.value.offset));
    };
    dump.onTaken = (takenBytes) => this.#checkHeld(takenBytes - this.#ackedBytes);
  }

  #checkHeld(heldBytes: number): void {
    const { world, plan } = this.#scene;
    // A frame more than the limit, and a chunk on its way to it.
    if (heldBytes <= plan.replayBytes + 2 * MOST_CHUNK_BYTES) return;
    world.violated(`the agent holds ${heldBytes} bytes, its limit is ${plan.replayBytes}`);
  }

  /** A power cut just now would leave so many bytes at least, and right ones. */
  #checkDurable(bytes: number, what: string): void {
    const { world, disks, dump } = this.#scene;
    for (const disk of disks) {
      const durable = disk.durable(KEY);
      if (durable.length < bytes) {
        world.violated(`${bytes} bytes ${what}, only ${durable.length} are durable`);
      } else if (!durable.equals(dump.bytes.subarray(0, durable.length))) {
        world.violated("what is durable is not what the tool wrote");
      }
    }
  }

  #checkDisk({ unfinished, visible }: Disk): void {
    const { world, dump } = this.#scene;
    if (unfinished.size > 0) world.violated("unfinished objects are left");
    const manifest = visible.get(MANIFEST);
    if (manifest === undefined) return;
    const { stored, keys } = JSON.parse(manifest.toString()) as {
      stored: StoredStream;
      keys: string[];
    };
    const bytes = Buffer.concat(keys.map((key) => visible.get(key) ?? Buffer.alloc(0)));
    if (!bytes.equals(dump.bytes)) world.violated("what was committed is not what the tool wrote");
    if (dump.plan.end !== "well") world.violated("committed, and the tool had failed");
    const sha256 = createHash("sha256").update(dump.bytes).digest("hex");
    if (stored.sha256Raw === sha256 && stored.bytesStored === bytes.length) return;
    world.violated("the tally is not that of what the tool wrote");
  }
}
