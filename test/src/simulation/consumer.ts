import type { RestoreSink } from "@penstock/agent/simulation";
import { PenstockError } from "@penstock/common";
import type { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** How a consumer reads. */
export interface ConsumerPlan {
  /** How long until it opens its pipe. */
  readonly opensMs: number;
  readonly mostDelayMs: number;
  /** Before which write it takes a long break, and how long. */
  readonly stall: { readonly beforeWrite: number; readonly ms: number } | undefined;
  /** At which write it dies. */
  readonly diesAtWrite: number | undefined;
}

/** The tool of a restore and the pipe that it reads from. To it, a closed pipe is the end. */
export class Consumer implements RestoreSink {
  readonly plan: ConsumerPlan;
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #taken: Uint8Array[] = [];
  #takenBytes = 0;
  #writes = 0;
  #isPipeOpen = false;
  #exitCode: number | undefined;

  constructor(world: World, process: VirtualProcess, plan: ConsumerPlan) {
    this.#world = world;
    this.#process = process;
    this.plan = plan;
  }

  /** `undefined` while it runs; 0 if it has seen an end. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#taken);
  }

  async open(signal: AbortSignal): Promise<RestoreSink> {
    await this.#process.clock.delay(this.plan.opensMs, signal);
    this.#isPipeOpen = true;
    return this;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#writes += 1;
    const copy = Buffer.from(chunk);
    const { stall, diesAtWrite, mostDelayMs } = this.plan;
    const isStalled = this.#writes === stall?.beforeWrite;
    const delayMs = isStalled ? stall.ms : this.#world.random.next() * mostDelayMs;
    await this.#process.clock.delay(delayMs, this.#world.never);
    if (this.#writes === diesAtWrite) this.kill();
    this.#world.step(this.#process.name, () => `writes ${chunk.length} bytes to the tool`);
    if (this.#exitCode !== undefined) throw new PenstockError("failed", "EPIPE: broken pipe");
    this.#taken.push(copy);
    this.#takenBytes += copy.length;
  }

  async end(): Promise<void> {
    await this[Symbol.asyncDispose]();
  }

  kill(): void {
    this.#exitCode ??= 143;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isPipeOpen) return;
    this.#isPipeOpen = false;
    this.#world.step(this.#process.name, () => "closes the pipe");
    this.#exitCode ??= 0;
  }
}
