import type { Child } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import { ONE_PIPE, toPlan } from "./shell-plan.ts";
import type { Stage } from "./stage.ts";

/** What `penstock status` tells of a run, as far as a test asks. */
export interface Status {
  readonly run: string;
  readonly plan: string;
  readonly kind: string;
  readonly pid: number;
  readonly bytes: number;
  readonly rate: number;
  readonly throttle: number | null;
  readonly expectedBytes?: number;
  readonly streams: readonly {
    readonly name: string;
    readonly host: string;
    readonly state: string;
    readonly bytes: number;
    readonly expectedBytes?: number;
  }[];
}

/** Writes for ever, with pauses. */
export const ENDLESS = "while head -c 64K /dev/zero; do sleep 0.05; done > {root}/{set}/app.pipe";

/** The plan `nightly`, one pipe on each host of a stage, and its runs as others see them. */
export class WatchedPlan {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** What the tool does, and further keys of the plan. */
  async configure(
    backup: string,
    settings: Readonly<Record<string, unknown>> = {},
    restore?: string,
  ): Promise<void> {
    const hosts = this.#stage.cluster.hosts.map(({ name }) => name);
    const tools = { backup, ...(restore === undefined ? {} : { restore }) };
    const all = { compression: "none", ...settings };
    const plan = toPlan(this.#stage, { hosts, streams: ONE_PIPE, ...tools, settings: all });
    await this.#stage.cluster.configure({ plans: { nightly: plan } });
  }

  /** Starts a backup and returns when bytes flow on all hosts. */
  async startFlowing(): Promise<Child> {
    const child = await this.#stage.startPenstock("backup", "nightly", "-o", "json");
    for (const { name } of this.#stage.cluster.hosts) {
      const flowing = new RegExp(`"stream":"app-${name}".*"flowing","bytes":[1-9]`);
      await child.stdout.waitFor(flowing, this.#stage.signal);
    }
    return child;
  }

  /** The set that a backup makes. */
  async setOf(child: Child): Promise<string> {
    const [started] = await child.stdout.waitFor(/{"event":"started".*/, this.#stage.signal);
    return JSON.parse(started).set;
  }

  async status(): Promise<Status[]> {
    return JSON.parse(await this.#stage.ok("status", "-o", "json"));
  }

  /** The first run whose status is so. */
  async untilStatus(isSo: (status: Status) => boolean, what: string): Promise<Status> {
    const find = async (): Promise<Status | undefined> => (await this.status()).find(isSo);
    return await untilFound(find, what, this.#stage.signal);
  }
}
