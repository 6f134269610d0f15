import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PenstockError, toError } from "@penstock/common";
import type {
  PreparedStream,
  PrepareRequest,
  StartToolRequest,
  StreamPace,
  StreamSpec,
  Tally,
} from "@penstock/proto";
import type { Logger } from "pino";
import { type AllowedTools, assertTools, toolPath } from "./allowed-tools.ts";
import { EventLog } from "./event-log.ts";
import type { FifoGuard } from "./fifo-guard.ts";
import { openReadEnd, openWriteEnd } from "./fifo-pair.ts";
import { openFileStream } from "./file-stream.ts";
import { type FoundFile, findFiles } from "./find-files.ts";
import { Lease } from "./lease.ts";
import type { LocalStreamHost } from "./local-stream-host.ts";
import { makeFifos, makeParents } from "./make-places.ts";
import { RunJournal } from "./run-journal.ts";
import { RunKeepers } from "./run-keepers.ts";
import { RunTools } from "./run-tools.ts";
import type { HostedStream, StreamEvents, StreamHost } from "./stream-host.ts";
import { planStreams, type StreamPlan } from "./stream-plan.ts";
import type { ToolExit } from "./tool.ts";

/** What a run needs of its agent. */
export interface RunSurroundings {
  readonly roots: readonly string[];
  readonly tools: AllowedTools;
  readonly stateDirectory: string;
  /** Where pipes are served. */
  readonly hosts: readonly StreamHost[];
  /** Where regular files are served: the main thread. */
  readonly mainHost: LocalStreamHost;
  readonly log: Logger;
}

/** Who opened a run, and under which lock. */
export interface RunOwner {
  readonly run: string;
  readonly token: Uint8Array;
  readonly plan: string;
  readonly holder: string;
  readonly leaseMs: number;
}

interface OpenStream {
  readonly plan: StreamPlan;
  readonly hosted: HostedStream;
  readonly port: number;
  /** The pipe of a stream that is a tool's own output or input. */
  readonly pipe: string;
  readonly guard: FifoGuard | undefined;
}

/**
 * One run on this host: what it has made, its open streams and its tools. Ends by `release`, by
 * `abort` or by its lease, after which nothing of it is left.
 */
export class AgentRun {
  readonly owner: RunOwner;
  readonly sinceMs: number = Date.now();
  readonly events: EventLog = new EventLog();
  readonly #around: RunSurroundings;
  readonly #journal: RunJournal;
  readonly #keepers: RunKeepers;
  readonly #lease: Lease;
  readonly #log: Logger;
  readonly #onEnded: () => void;
  readonly #streams: Map<string, OpenStream> = new Map();
  readonly #tools: RunTools;
  #preparing: Promise<unknown> = Promise.resolve();
  #ending: Promise<void> | undefined;

  private constructor(
    owner: RunOwner,
    around: RunSurroundings,
    journal: RunJournal,
    keepers: RunKeepers,
    onEnded: () => void,
  ) {
    this.owner = owner;
    this.#around = around;
    this.#journal = journal;
    this.#keepers = keepers;
    this.#tools = new RunTools(keepers);
    this.#onEnded = onEnded;
    this.#log = around.log.child({ run: owner.run });
    this.#lease = new Lease(owner.leaseMs, () => void this.abort("its lease has run out"));
  }

  /** Opens a run. `onEnded` is called once, when nothing of it is left. */
  static async open(
    owner: RunOwner,
    around: RunSurroundings,
    onEnded: () => void,
  ): Promise<AgentRun> {
    const journal = await RunJournal.open(around.stateDirectory, owner.run);
    return new AgentRun(owner, around, journal, await RunKeepers.start(), onEnded);
  }

  /** A sign of life of the controller. */
  renew(): void {
    this.#lease.renew();
  }

  /** See agent.proto. One call at a time. */
  async prepare({ streams, tools, checkOnly }: PrepareRequest): Promise<PreparedStream[]> {
    const prepared = this.#preparing.then(() => this.#prepare(streams, tools, checkOnly));
    this.#preparing = prepared.catch(() => {});
    return await prepared;
  }

  /** Starts a tool and returns its process number. */
  async startTool(request: StartToolRequest): Promise<number> {
    this.#assertOpen();
    const { toolId, tool: name, args, env } = request;
    const streams = request.streams.map((stream) => this.#streamOf(stream));
    const path = toolPath(this.#around.tools, name);
    const tool = await this.#tools.start(toolId, () => ({
      name,
      path,
      args,
      env,
      ...this.#ownPipes(request),
      ...(request.stopSignal === "" ? {} : { stopSignal: request.stopSignal }),
      onLine: (line) => this.#log.info({ tool: name, line }, "tool says"),
    }));
    this.#log.info({ tool: name, pid: tool.pid }, "tool started");
    void tool.exited.then((exit) => this.#toolExited(request, exit, streams));
    return tool.pid;
  }

  /** See agent.proto. */
  setPace(_streams: readonly StreamPace[]): void {}

  async findFiles(globs: readonly string[]): Promise<FoundFile[]> {
    const found = await Promise.all(globs.map((glob) => findFiles(glob, this.#around.roots)));
    return found.flat();
  }

  /** Stops the tools, then closes and removes everything. Never rejects; repeating it is harmless. */
  abort(reason: string): Promise<void> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  /** Ends a run whose tools have ended; if one has not, it is stopped. Never rejects. */
  release(): Promise<void> {
    this.#ending ??= this.#end(undefined);
    return this.#ending;
  }

  async #prepare(
    specs: readonly StreamSpec[],
    tools: readonly string[],
    checkOnly: boolean,
  ): Promise<PreparedStream[]> {
    this.#assertOpen();
    await assertTools(this.#around.tools, tools);
    const plans = await planStreams(specs, new Set(this.#streams.keys()), this.#around.roots);
    if (checkOnly) return [];
    const pipes = await this.#makePipes(plans);
    const opened: PreparedStream[] = [];
    for (const plan of plans) {
      const { port } = await this.#openStream(plan, pipes.get(plan.name) ?? "");
      opened.push({ name: plan.name, port });
    }
    this.#assertOpen();
    return opened;
  }

  async #openStream(plan: StreamPlan, pipe: string): Promise<OpenStream> {
    const { run, token } = this.owner;
    const { name, direction, codec } = plan;
    const settings = { run, token, name, direction, codec };
    if (plan.kind === "file") {
      await makeParents(this.#journal, plan.path);
      const stream = await openFileStream(plan, this.#journal);
      const events = this.#eventsOf(plan, undefined);
      const hosted = this.#around.mainHost.serve({ ...settings, path: plan.path }, stream, events);
      return this.#opened({ plan, hosted, port: 0, pipe, guard: undefined });
    }
    const guard = direction === "restore" ? await this.#keepers.guard(pipe) : undefined;
    const host = this.#leastBusyHost();
    const hosted = await host.open({ ...settings, path: pipe }, this.#eventsOf(plan, guard));
    return this.#opened({ plan, hosted, port: host.port, pipe, guard });
  }

  #opened(stream: OpenStream): OpenStream {
    this.#streams.set(stream.plan.name, stream);
    return stream;
  }

  /** Makes all named pipes, private ones for stdout and stdin, and returns their paths by stream. */
  async #makePipes(plans: readonly StreamPlan[]): Promise<ReadonlyMap<string, string>> {
    const folder = join(this.#around.stateDirectory, "pipes");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const places = plans
      .filter(({ kind }) => kind !== "file")
      .map(({ name, path, mode }) => {
        const privatePath = join(folder, `${this.owner.run}.${name}`);
        return { name, path: path === "" ? privatePath : path, mode };
      });
    for (const { path } of places) await makeParents(this.#journal, path);
    await makeFifos(this.#journal, places);
    return new Map(places.map(({ name, path }) => [name, path]));
  }

  #ownPipes({ stdoutStream, stdinStream }: StartToolRequest): { stdout?: number; stdin?: number } {
    const stdin = stdinStream === "" ? undefined : this.#streamOf(stdinStream).guard;
    return {
      ...(stdoutStream === "" ? {} : { stdout: openWriteEnd(this.#streamOf(stdoutStream).pipe) }),
      ...(stdin === undefined ? {} : { stdin: openReadEnd(stdin) }),
    };
  }

  #toolExited(
    { toolId, tool, graceMs }: StartToolRequest,
    { exitCode, signal, stderrTail, stdoutTail }: ToolExit,
    streams: readonly OpenStream[],
  ): void {
    this.#log.info({ tool, exitCode, signal }, "tool exited");
    const said = stderrTail === "" ? stdoutTail : stderrTail;
    this.events.add({
      $case: "toolExited",
      value: { toolId, exitCode: exitCode ?? 0, signal: signal ?? "", stderrTail: said },
    });
    for (const { hosted } of streams) hosted.toolEnded(graceMs);
  }

  #eventsOf({ name }: StreamPlan, guard: FifoGuard | undefined): StreamEvents {
    return {
      onOpened: () => this.events.add({ $case: "streamOpened", value: { name } }),
      onEnded: (tally: Tally) => this.events.add({ $case: "streamEnded", value: { name, tally } }),
      onFailed: ({ code, message }) => {
        if (this.#ending !== undefined) return;
        this.#log.warn({ stream: name, reason: message }, "stream failed");
        this.events.add({ $case: "streamFailed", value: { name, code, message } });
      },
      releaseGuard: async () => guard?.release(),
    };
  }

  /**
   * The order matters: to a consumer our closing is a clean end, so it must be dead before. If one
   * does not die, its pipe stays open: what is left is removed when the agent starts again.
   */
  async #end(reason: string | undefined): Promise<void> {
    this.#lease[Symbol.dispose]();
    if (reason !== undefined) {
      this.#log.warn({ reason }, "run aborted");
      this.events.add({ $case: "runAborted", value: { reason } });
    }
    try {
      await this.#tools.stop();
      await this.#preparing;
      await Promise.all([...this.#streams.values()].map(({ hosted }) => hosted.close()));
      await this.#keepers[Symbol.asyncDispose]();
      await this.#journal.removeMade();
    } catch (error) {
      this.#log.error({ err: toError(error) }, "cannot clean up after the run");
    }
    this.events.close();
    this.#onEnded();
    this.#log.info("run ended");
  }

  #leastBusyHost(): StreamHost {
    const { hosts, mainHost } = this.#around;
    return hosts.reduce(
      (best, host) => (host.load < best.load ? host : best),
      hosts[0] ?? mainHost,
    );
  }

  #streamOf(name: string): OpenStream {
    const stream = this.#streams.get(name);
    if (stream !== undefined) return stream;
    throw new PenstockError("usage", `stream ${name} was not prepared`);
  }

  #assertOpen(): void {
    if (this.#ending === undefined) return;
    throw new PenstockError("not_found", `run ${this.owner.run} has ended`);
  }
}
