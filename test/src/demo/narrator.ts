import type { Outcome } from "../harness/child.ts";
import { runProgram } from "../harness/programs.ts";

/** How a command is shown. */
interface PenstockOptions {
  /** Arguments that are passed on and not shown. */
  readonly hidden?: readonly string[];
  /** Whether its output is left out. */
  readonly isQuiet?: boolean;
}

/** Tells on stdout what the demo does: numbered steps, remarks, and commands with their output. */
export class Narrator {
  #steps = 0;

  /** Begins a step. */
  step(title: string): void {
    this.#steps += 1;
    console.log(`\n== ${this.#steps}. ${title}`);
  }

  say(text: string): void {
    console.log(text);
  }

  /** Says how long something took, and returns its result. */
  async timed<T>(what: string, work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work;
    console.log(`${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    return result;
  }

  /** Shows a `penstock` command, runs it and shows its output as it comes. Throws if it does not exit 0. */
  async penstock(
    args: readonly string[],
    { hidden = [], isQuiet = false }: PenstockOptions,
    signal: AbortSignal,
  ): Promise<void> {
    console.log(`$ penstock ${args.join(" ")}`);
    const onOutput = (text: string): void => void process.stdout.write(text);
    const options = { stopSignal: "SIGINT", ...(isQuiet ? {} : { onOutput }) } as const;
    const outcome = await runProgram("penstock", [...args, ...hidden], options, signal);
    signal.throwIfAborted();
    if (isQuiet && outcome.status !== 0) process.stderr.write(outcome.stderr);
    if (outcome.status !== 0) throw new Error(toFailure(args, outcome));
    if (!isQuiet) console.log();
  }
}

function toFailure([name]: readonly string[], { status, signal }: Outcome): string {
  return `penstock ${name} ended with ${signal ?? `status ${status}`}`;
}
