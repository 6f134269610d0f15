import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PenstockError, toError } from "@penstock/common";
import type { PreparedStream, StreamSpec } from "@penstock/proto";
import { assertDescriptors } from "./descriptors.ts";
import type { FifoGuard } from "./fifo-guard.ts";
import { openFileStream } from "./file-stream.ts";
import type { LocalStreamHost } from "./local-stream-host.ts";
import { makeAllFifos, makeParents } from "./make-places.ts";
import type { PluginJob } from "./plugin/plugin-job.ts";
import type { PluginSession } from "./plugin/plugin-session.ts";
import { PluginStreams } from "./plugin/plugin-streams.ts";
import type { RunJournal } from "./run-journal.ts";
import type { RunKeepers } from "./run-keepers.ts";
import type { ClosedStreams } from "./stop-forked.ts";
import type { HostedStream, StreamEvents, StreamHost } from "./stream-host.ts";
import { planStreams, type StreamPlan } from "./stream-plan.ts";

/** A stream of a run that movers can call for. */
export interface OpenStream {
  readonly plan: StreamPlan;
  /** As it was asked for. */
  readonly spec: StreamSpec;
  readonly hosted: HostedStream;
  readonly port: number;
  /** The pipe of a stream that is a tool's own output or input. */
  readonly pipe: string;
  readonly guard: FifoGuard | undefined;
}

/** What the streams of a run are opened with. */
export interface RunStreamsParts {
  readonly run: string;
  readonly token: Uint8Array;
  readonly roots: readonly string[];
  readonly stateDirectory: string;
  readonly hosts: readonly StreamHost[];
  readonly mainHost: LocalStreamHost;
  readonly journal: RunJournal;
  readonly keepers: RunKeepers;
  readonly plugin: PluginSession;
  readonly eventsOf: (plan: StreamPlan, guard: FifoGuard | undefined) => StreamEvents;
}

/** The streams of one run: makes their places, opens our ends and has them served. */
export class RunStreams {
  readonly #parts: RunStreamsParts;
  readonly #streams: Map<string, OpenStream> = new Map();
  readonly #ofPlugin: PluginStreams;
  #preparing: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(parts: RunStreamsParts) {
    this.#parts = parts;
    this.#ofPlugin = new PluginStreams(parts, (name) => this.#forget(name));
  }

  /**
   * Opens what is not there yet; an equal stream that is there is answered as it was. One call at a
   * time: another waits. After a failure in the making every call gets that failure.
   */
  async prepare(specs: readonly StreamSpec[], checkOnly: boolean): Promise<PreparedStream[]> {
    const prepared = this.#preparing.then(() => this.#prepare(specs, checkOnly));
    this.#preparing = prepared.catch(() => {});
    return await prepared;
  }

  /** Throws `usage` if there is no such stream. */
  get(name: string): OpenStream {
    const stream = this.#streams.get(name);
    if (stream !== undefined) return stream;
    throw new PenstockError("usage", `stream ${name} was not prepared`);
  }

  /** The pipes there are of one direction. */
  pipesOf(direction: StreamPlan["direction"]): string[] {
    return [...this.#streams.values()].flatMap(({ plan, pipe }) =>
      plan.direction === direction && pipe !== "" ? [pipe] : [],
    );
  }

  /** A stream of a plugin process that once was there: nothing about it matters any more. */
  isOver(name: string): boolean {
    return this.#ofPlugin.isOver(name);
  }

  /** The run has ended: every call from now on, and every one that waits, is refused. */
  refuseMore(): void {
    this.#failure ??= new PenstockError("not_found", `run ${this.#parts.run} has ended`);
  }

  /**
   * Waits until nothing is being prepared and closes streams; before those of a restore their consumers
   * must be gone. Repeating it is harmless.
   */
  async close(which: ClosedStreams = "all"): Promise<void> {
    await this.#preparing;
    const isMeant = ({ plan, pipe }: OpenStream): boolean =>
      which === "all" || plan.direction === "backup" || (which !== "backup" && pipe === "");
    const closed = [...this.#streams.values()].filter(isMeant).map(({ hosted }) => hosted.close());
    for (const outcome of await Promise.allSettled(closed)) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  async #prepare(specs: readonly StreamSpec[], checkOnly: boolean): Promise<PreparedStream[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const known = this.#knownOf(specs);
    const plans = await planStreams(specs, known, this.#parts.roots);
    await assertDescriptors(plans);
    const jobs = this.#jobsOf(plans);
    if (checkOnly) return [];
    try {
      await this.#open(plans, new Map(specs.map((spec) => [spec.name, spec])), jobs);
    } catch (error) {
      this.#failure = toError(error);
      throw error;
    }
    return specs.map(({ name }) => ({ name, port: this.get(name).port }));
  }

  /** By stream. A process that goes from now on fails its stream alone, like one that goes later. */
  #jobsOf(plans: readonly StreamPlan[]): ReadonlyMap<string, PluginJob> {
    const served = plans.filter(({ kind }) => kind === "plugin");
    const jobs = new Map(served.map((plan) => [plan.name, this.#parts.plugin.jobFor(plan)]));
    if (new Set(jobs.values()).size === jobs.size) return jobs;
    throw new PenstockError("usage", "two streams for one request of a plugin process");
  }

  /** Not of all that there are: of a plugin's thousands each is prepared alone. */
  #knownOf(specs: readonly StreamSpec[]): ReadonlyMap<string, StreamSpec> {
    const known = specs.flatMap(({ name }) => this.#streams.get(name)?.spec ?? []);
    return new Map(known.map((spec) => [spec.name, spec]));
  }

  async #open(
    plans: readonly StreamPlan[],
    specs: ReadonlyMap<string, StreamSpec>,
    jobs: ReadonlyMap<string, PluginJob>,
  ): Promise<void> {
    const pipes = await this.#makePlaces(plans);
    const guarded = plans.flatMap(({ name, direction }) =>
      direction === "restore" ? (pipes.get(name) ?? []) : [],
    );
    const guards = new Map(
      (await this.#parts.keepers.guard(guarded)).map((guard) => [guard.path, guard]),
    );
    const opened = plans.map(async (plan) => {
      const spec = specs.get(plan.name);
      if (spec === undefined) throw new PenstockError("internal", `${plan.name} was not asked for`);
      const pipe = pipes.get(plan.name) ?? "";
      const guard = guards.get(pipe);
      const job = jobs.get(plan.name);
      const served =
        job === undefined
          ? await this.#serve(plan, pipe, guard)
          : { hosted: this.#ofPlugin.serve(plan, job), port: 0 };
      this.#streams.set(plan.name, { plan, spec, pipe, guard, ...served });
    });
    // Those that open after one has failed are to be closed, too.
    for (const outcome of await Promise.allSettled(opened)) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  async #serve(
    plan: StreamPlan,
    pipe: string,
    guard: FifoGuard | undefined,
  ): Promise<Pick<OpenStream, "hosted" | "port">> {
    const { run, token, journal, mainHost, eventsOf } = this.#parts;
    const { name, direction, codec, format, isHeldOpen } = plan;
    const settings = { run, token, name, direction, codec, format, isHeldOpen };
    const events = eventsOf(plan, guard);
    if (plan.kind !== "file") {
      const host = this.#leastBusyHost();
      return { hosted: await host.open({ ...settings, path: pipe }, events), port: host.port };
    }
    const stream = await openFileStream(plan, journal);
    return { hosted: mainHost.serve({ ...settings, path: plan.path }, stream, events), port: 0 };
  }

  async #forget(name: string): Promise<void> {
    await this.#preparing; // or it would be noted afterwards
    const stream = this.#streams.get(name);
    this.#streams.delete(name);
    await stream?.hosted.close();
  }

  /**
   * Makes the missing folders and all named pipes, private ones for stdout and stdin. Returns the
   * pipes' paths by stream.
   */
  async #makePlaces(plans: readonly StreamPlan[]): Promise<ReadonlyMap<string, string>> {
    const { run, stateDirectory, journal } = this.#parts;
    const folder = join(stateDirectory, "pipes");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const places = plans
      .filter(({ kind }) => kind !== "file" && kind !== "plugin")
      .map(({ name, path, mode, mayExist }) => {
        const privatePath = join(folder, `${run}.${name}`);
        return { name, path: path === "" ? privatePath : path, mode, mayExist };
      });
    const paths = plans.map(({ path }) => path).filter((path) => path !== "");
    await makeParents(journal, paths);
    await makeAllFifos(journal, places);
    return new Map(places.map(({ name, path }) => [name, path]));
  }

  #leastBusyHost(): StreamHost {
    const { hosts, mainHost } = this.#parts;
    return hosts.reduce(
      (best, host) => (host.load < best.load ? host : best),
      hosts[0] ?? mainHost,
    );
  }
}
