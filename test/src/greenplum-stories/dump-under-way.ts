import type { Child, Outcome } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import type { GreenplumStage } from "./greenplum-stage.ts";

/** Settings of a plan whose failures are seen soon. */
const SOON = { lease: "5s", grace: "2s" } as const;

/** How long something that is on its way may take. */
const STEP_LIMIT_MS = 30_000;

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
    { options = [], ...plan }: Readonly<Record<string, unknown>> = {},
  ): Promise<DumpUnderWay> {
    await stage.plan({ options }, { ...SOON, ...plan });
    await stage.greenplum.configure({ held });
    const dump = await DumpUnderWay.#start(stage);
    await dump.#flows("gp_dump_0_2");
    await dump.#flows("gp_dump_1_3");
    return dump;
  }

  static async #start(stage: GreenplumStage): Promise<DumpUnderWay> {
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
