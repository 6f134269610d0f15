import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PenstockError, toError } from "@penstock/common";
import type { PreparedStream, StreamSpec } from "@penstock/proto";
import { assertDescriptors } from "./descriptors.ts";
import type { FifoGuard } from "./fifo-guard.ts";
import { openFileStream } from "./file-stream.ts";
import type { LocalStreamHost } from "./local-stream-host.ts";
import { makeAllFifos, makeParents } from "./make-places.ts";
import type { PluginSession } from "./plugin/plugin-session.ts";
import { openPluginStream } from "./plugin/plugin-stream.ts";
import type { RunJournal } from "./run-journal.ts";
import type { RunKeepers } from "./run-keepers.ts";
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
  #preparing: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(parts: RunStreamsParts) {
    this.#parts = parts;
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
    return this.#of(direction).flatMap(({ pipe }) => (pipe === "" ? [] : [pipe]));
  }

  /**
   * Waits until nothing is being prepared and closes all streams, or those of one direction: consumers
   * of a restore must be gone. Repeating it is harmless.
   */
  async close(direction?: StreamPlan["direction"]): Promise<void> {
    await this.#preparing;
    await Promise.all(this.#of(direction).map(({ hosted }) => hosted.close()));
  }

  #of(direction?: StreamPlan["direction"]): OpenStream[] {
    const all = [...this.#streams.values()];
    return direction === undefined ? all : all.filter(({ plan }) => plan.direction === direction);
  }

  async #prepare(specs: readonly StreamSpec[], checkOnly: boolean): Promise<PreparedStream[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const known = this.#knownOf(specs);
    const plans = await planStreams(specs, known, this.#parts.roots);
    await assertDescriptors(plans);
    for (const plan of plans) if (plan.kind === "plugin") this.#parts.plugin.jobFor(plan);
    if (checkOnly) return [];
    try {
      await this.#open(plans, new Map(specs.map((spec) => [spec.name, spec])));
    } catch (error) {
      this.#failure = toError(error);
      throw error;
    }
    return specs.map(({ name }) => ({ name, port: this.get(name).port }));
  }

  /** Not of all that there are: of a plugin's thousands each is prepared alone. */
  #knownOf(specs: readonly StreamSpec[]): ReadonlyMap<string, StreamSpec> {
    const known = specs.flatMap(({ name }) => this.#streams.get(name)?.spec ?? []);
    return new Map(known.map((spec) => [spec.name, spec]));
  }

  async #open(plans: readonly StreamPlan[], specs: ReadonlyMap<string, StreamSpec>): Promise<void> {
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
      const served = await this.#serve(plan, pipe, guard);
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
    if (plan.kind === "plugin") {
      const job = this.#parts.plugin.jobFor(plan);
      const stream = openPluginStream(job, plan, mainHost.budget);
      const hosted = mainHost.serve({ ...settings, path: job.key }, stream, events);
      // There may be thousands, and memory is shared out among those that are open.
      const isOver = Promise.all([stream.done, job.connection.closed]);
      if (direction === "backup") isOver.then(() => hosted.close()).catch(() => {}); // else at the end
      return { hosted, port: 0 };
    }
    if (plan.kind !== "file") {
      const host = this.#leastBusyHost();
      return { hosted: await host.open({ ...settings, path: pipe }, events), port: host.port };
    }
    const stream = await openFileStream(plan, journal);
    return { hosted: mainHost.serve({ ...settings, path: plan.path }, stream, events), port: 0 };
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
