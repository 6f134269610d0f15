import { nameTaken, PenstockError } from "@penstock/common";
import type { ActiveRun, RunRef } from "@penstock/proto";
import { AgentRun, type RunOwner, type RunSurroundings } from "./run.ts";
import { assertToken, isToken } from "./transfer-service.ts";

/** The runs of this agent, and the plans that they lock. */
export class Runs implements AsyncDisposable {
  readonly #around: RunSurroundings;
  readonly #runs: Map<string, Promise<AgentRun>> = new Map();
  readonly #owners: Map<string, RunOwner & { readonly sinceMs: number }> = new Map();
  #accepting = false;

  constructor(around: RunSurroundings) {
    this.#around = around;
  }

  /**
   * Opens a run; for one that is open, by whoever knows its token, only renews the lease. Throws
   * `locked` if another holds the plan, with place `run` if the name is taken.
   */
  async begin(owner: RunOwner): Promise<void> {
    if (!this.#accepting) {
      throw new PenstockError("unreachable", "this agent is being started or stopped");
    }
    const { run } = owner;
    if (this.#isRepeated(owner)) {
      (await this.#runs.get(run))?.renew();
      return;
    }
    this.#assertFree(owner);
    const forget = (): void => {
      this.#runs.delete(run);
      this.#owners.delete(run);
    };
    // Taken before the first wait, so that two callers cannot both pass.
    this.#owners.set(run, { ...owner, sinceMs: Date.now() });
    const opened = AgentRun.open(owner, this.#around, forget);
    this.#runs.set(run, opened);
    await opened.catch((error: unknown) => {
      forget();
      throw error;
    });
  }

  /** The run that the caller names and knows the token of; its lease is renewed. */
  async get(ref: RunRef | undefined): Promise<AgentRun> {
    const run = await this.find(ref);
    if (run === undefined) {
      throw new PenstockError("not_found", `run ${ref?.run ?? ""} is not known here`);
    }
    run.renew();
    return run;
  }

  /** The same, or `undefined` if there is no such run. */
  async find(ref: RunRef | undefined): Promise<AgentRun | undefined> {
    const run = await this.#runs.get(ref?.run ?? "");
    if (run !== undefined) assertToken(run.owner.token, ref?.token);
    return run;
  }

  /** For Describe. */
  list(): ActiveRun[] {
    return [...this.#owners.values()].map(({ run, plan, holder, sinceMs }) => ({
      run,
      plan,
      holder,
      sinceMs: BigInt(sinceMs),
    }));
  }

  /** From now on runs may begin. */
  accept(): void {
    this.#accepting = true;
  }

  /** Accepts no more runs and aborts those there are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#accepting = false;
    const ended = [...this.#runs.values()].map(async (opened) => {
      const run = await opened;
      await run.abort("the agent is being stopped");
    });
    await Promise.allSettled(ended);
  }

  #isRepeated({ run, token }: RunOwner): boolean {
    const known = this.#owners.get(run);
    return known !== undefined && isToken(known.token, token);
  }

  #assertFree({ run, plan }: RunOwner): void {
    if (this.#owners.has(run)) throw nameTaken(`run ${run} exists`);
    const holder = [...this.#owners.values()].find((owner) => owner.plan === plan);
    if (holder === undefined) return;
    const since = new Date(holder.sinceMs).toISOString();
    const message = `plan ${plan} is locked by ${holder.holder} since ${since} (run ${holder.run})`;
    throw new PenstockError("locked", message, {
      hint: "wait for that run to end, or end it; a lock whose holder was killed ends with its lease",
    });
  }
}
