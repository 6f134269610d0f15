import type { BackupSource } from "@penstock/agent/simulation";
import type { ByteStream } from "@penstock/common";
import type { Random } from "./random.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** What a tool writes, and how it ends. */
export interface DumpPlan {
  readonly chunks: readonly { readonly bytes: number; readonly pauseMs: number }[];
  /** `killed` looks like an end to whoever reads the pipe; `broken` is a pipe that cannot be read. */
  readonly end: "well" | "killed" | "broken";
}

/** A dump tool and the pipe that it writes to. */
export class Dump implements BackupSource {
  readonly opened: Promise<void> = Promise.resolve();
  /** What it writes if it comes to its end. */
  readonly bytes: Buffer;
  readonly plan: DumpPlan;
  readonly #world: World;
  readonly #process: VirtualProcess;
  #takenBytes = 0;
  #reads = 0;
  #exitCode: number | undefined;
  /** Sees each chunk that is taken from the pipe. */
  onTaken: (takenBytes: number) => void = () => {};

  constructor(world: World, process: VirtualProcess, plan: DumpPlan, random: Random) {
    this.#world = world;
    this.#process = process;
    this.plan = plan;
    this.bytes = random.bytes(plan.chunks.reduce((sum, { bytes }) => sum + bytes, 0));
  }

  /** `undefined` while it runs. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Reads of the pipe that have not come back. */
  get reads(): number {
    return this.#reads;
  }

  async *chunks(signal: AbortSignal): ByteStream {
    this.#reads += 1;
    try {
      for (const { bytes, pauseMs } of this.plan.chunks) {
        await this.#process.clock.delay(pauseMs, signal);
        if (this.#exitCode !== undefined) return;
        const begin = this.#takenBytes;
        this.#takenBytes += bytes;
        this.#world.step(this.#process.name, () => `reads ${bytes} bytes of the tool's`);
        this.onTaken(this.#takenBytes);
        yield Buffer.from(this.bytes.subarray(begin, begin + bytes));
      }
      if (this.plan.end === "broken") throw new Error("EIO: i/o error, read");
      this.#exitCode ??= this.plan.end === "well" ? 0 : 137;
    } finally {
      this.#reads -= 1;
    }
  }

  kill(): void {
    this.#exitCode ??= 143;
  }

  async expectNoWriter(): Promise<void> {}

  letEnd(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
