import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** An object that is being written. */
export interface Unfinished {
  readonly key: string;
  readonly scope: string;
  bytes: Buffer;
  /** How much of it would survive a power cut. */
  durableBytes: number;
}

/** What is wrong with a disk. */
export interface DiskPlan {
  /** Each operation takes so long at most. */
  readonly mostDelayMs: number;
  /** Operations of which one in a hundred takes that long. */
  readonly stallMs: number;
  /** The number of the operation that fails, and every one of its writer after it. */
  readonly failsAt: number | undefined;
  /** Reading: the number of the chunk in which a bit is flipped. */
  readonly rottenChunk: number | undefined;
}

/** What a target keeps, whatever becomes of the processes that use it. */
export class Disk {
  readonly visible: Map<string, Buffer> = new Map();
  readonly unfinished: Set<Unfinished> = new Set();
  readonly plan: DiskPlan;
  readonly world: World;
  readonly random: Random;
  #operations = 0;
  #chunks = 0;

  constructor(world: World, plan: DiskPlan) {
    this.world = world;
    this.plan = plan;
    this.random = world.random.fork();
  }

  /** How long the next operation takes, and whether it fails. */
  operation(): { readonly delayMs: number; readonly fails: boolean } {
    this.#operations += 1;
    const isStalled = this.plan.stallMs > 0 && this.random.chance(0.01);
    const delayMs = isStalled ? this.plan.stallMs : this.random.next() * this.plan.mostDelayMs;
    return { delayMs, fails: this.#operations === this.plan.failsAt };
  }

  /** A chunk as it is read: what was written, mostly. */
  asRead(chunk: Buffer): Buffer {
    this.#chunks += 1;
    const copy = Buffer.from(chunk);
    if (this.#chunks === this.plan.rottenChunk) copy[0] = (copy[0] ?? 0) ^ 1;
    return copy;
  }

  /** The bytes of a stream that would survive: its objects in order, up to the first gap. */
  durable(key: string): Buffer {
    const joined: Buffer[] = [];
    for (const object of this.#objectsOf(key)) {
      joined.push(object.bytes.subarray(0, object.durableBytes));
      if (object.durableBytes < object.bytes.length) break;
    }
    return Buffer.concat(joined);
  }

  /** What was not flushed is gone, or partly gone, or there with wrong bytes. */
  powerCut(): void {
    this.world.note("disk", () => "power cut");
    for (const object of this.unfinished) {
      const kept = this.random.between(object.durableBytes, object.bytes.length);
      const torn = this.random.between(object.durableBytes, kept);
      object.bytes = Buffer.concat([object.bytes.subarray(0, torn), Buffer.alloc(kept - torn)]);
    }
  }

  #objectsOf(key: string): Omit<Unfinished, "scope">[] {
    const visible = [...this.visible].map(([name, bytes]) => {
      return { key: name, bytes, durableBytes: bytes.length };
    });
    return [...visible, ...this.unfinished]
      .filter((object) => isOf(object.key, key))
      .sort((one, other) => (one.key < other.key ? -1 : 1));
  }
}

/** The stream's own object or one of its segments, not a list of parts. */
function isOf(name: string, key: string): boolean {
  return name === key || /^\.\d{6}$/.test(name.slice(key.length));
}
