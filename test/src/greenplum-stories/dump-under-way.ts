import type { Child, Outcome } from "../harness/child.ts";
import { untilFound, untilNone } from "../harness/until.ts";
import type { GreenplumStage } from "./greenplum-stage.ts";

/** For a plan whose agent or controller is killed: that is seen soon, yet no pause of a busy machine is. */
export const SHORT_LEASE = { lease: "6s" } as const;

/** How long something that is on its way may take, on a busy machine. */
const STEP_LIMIT_MS = 120_000;

/** A backup of the plan while its tool dumps. Disposing of it ends the command. */
export class DumpUnderWay implements AsyncDisposable {
  readonly set: string;
  readonly command: Child;
  readonly #stage: GreenplumStage;

  private constructor(stage: GreenplumStage, command: Child, set: string) {
    this.#stage = stage;
    this.command = command;
    this.set = set;
  }

  /**
   * Starts it; resolves when bytes of all segments have been stored. Those of the segments that are to
   * be held go no further than that. `options` are gpcrondump's, the others are keys of the plan.
   */
  static async begin(
    stage: GreenplumStage,
    held: readonly number[],
    plan: Readonly<Record<string, unknown>> = {},
  ): Promise<DumpUnderWay> {
    const dump = await DumpUnderWay.start(stage, held, plan);
    for (const stream of ["gp_dump_0_2", "gp_dump_1_3"]) await dump.#flows(stream);
    return dump;
  }

  /** As `begin`, but resolves when the tool has been started. */
  static async start(
    stage: GreenplumStage,
    held: readonly number[],
    { options = [], ...plan }: Readonly<Record<string, unknown>>,
  ): Promise<DumpUnderWay> {
    await stage.plan({ options }, plan);
    await stage.greenplum.configure({ held });
    const command = await stage.startPenstock("backup", "nightly", "-o", "json");
    try {
      const tool = /"event":"started","run":"(\d+)".*"event":"tool","tool":"gpcrondump"/s;
      const [, set = ""] = await command.stdout.waitFor(tool, stage.signal);
      return new DumpUnderWay(stage, command, set);
    } catch (error) {
      await command[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #flows(stream: string): Promise<void> {
    const flowing = new RegExp(`"stream":"${stream}[^"]*".*"state":"flowing","bytes":[1-9]`);
    await this.command.stdout.waitFor(flowing, AbortSignal.timeout(STEP_LIMIT_MS));
  }

  /** The number of a process of the cluster that names the key. */
  async pidOf(pattern: RegExp): Promise<number> {
    const { greenplum } = this.#stage;
    const signal = AbortSignal.timeout(STEP_LIMIT_MS);
    return await untilFound(
      async () => {
        const line = (await greenplum.processes(this.set)).find((text) => pattern.test(text));
        return line === undefined ? undefined : Number(/^process (\d+)/.exec(line)?.[1]);
      },
      `a process ${pattern} of ${this.set}`,
      signal,
    );
  }

  /** Waits until no process of the cluster that names the key is like this. */
  async untilGone(pattern: RegExp): Promise<void> {
    const { greenplum } = this.#stage;
    await untilNone(
      async () => (await greenplum.processes(this.set)).filter((text) => pattern.test(text)),
      AbortSignal.timeout(STEP_LIMIT_MS),
    );
  }

  /** Sends a signal to a process of the cluster that names the key. */
  async signal(pattern: RegExp, name: NodeJS.Signals): Promise<void> {
    process.kill(await this.pidOf(pattern), name);
  }

  async ended(): Promise<Outcome> {
    return await this.command.outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.command[Symbol.asyncDispose]();
  }
}

/** The dump agent of an instance, by its dbid. */
export function agentOf(dbid: number): RegExp {
  return new RegExp(`node .*gp_dump_agent --gp-k .*_[01]_${dbid}_`);
}
