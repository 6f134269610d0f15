import { join } from "node:path";
import { Child } from "../harness/child.ts";
import { command } from "./commands.ts";

/** What a long wire does to frames. */
export interface DelayOptions {
  /** Half of it each way. */
  readonly rttMs: number;
  /** Share of the frames that are lost, each way; default 0. */
  readonly lossPercent?: number;
}

/** The same frames get lost whenever a test is run, as far as it sends the same. */
const SEED = 20_261_120;

/** Makes the program of `delay.c` in a folder, and returns its path. */
export async function compileDelay(folder: string, signal: AbortSignal): Promise<string> {
  const program = join(folder, "delay");
  await command(`gcc -O2 -o ${program} ${join(import.meta.dirname, "delay.c")}`, signal);
  return program;
}

/** A long wire between two TAP devices that exist as long as it does; see `delay.c`. */
export class DelayLine implements AsyncDisposable {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Returns when the devices are there, in the name space of the launcher. */
  static async start(
    program: string,
    devices: readonly [string, string],
    { rttMs, lossPercent = 0 }: DelayOptions,
    launcher: readonly string[],
    signal: AbortSignal,
  ): Promise<DelayLine> {
    const numbers = [(rttMs * 1000) / 2, lossPercent * 10_000, SEED].map(String);
    const child = await Child.start(program, [...devices, ...numbers], { launcher }, signal);
    const line = new DelayLine(child);
    try {
      await child.stdout.waitFor(/ready/, signal);
    } catch (cause) {
      const { stderr } = await child.stop();
      throw new Error(`the delay program does not start: ${stderr}`, { cause });
    }
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }
}
