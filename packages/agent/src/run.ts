import { LOG_FIELD, PenstockError } from "@penstock/common";
import type { PrepareRequest, PrepareResponse, StartToolRequest, Tally } from "@penstock/proto";
import type { Logger } from "pino";
import { type AllowedTools, assertTools, toolPath } from "./allowed-tools.ts";
import { type EventBody, EventLog } from "./event-log.ts";
import type { FifoGuard } from "./fifo-guard.ts";
import { openReadEnd, openWriteEnd } from "./fifo-pair.ts";
import { type FoundFile, findFiles } from "./find-files.ts";
import { Lease } from "./lease.ts";
import { giveSigns } from "./life-sign.ts";
import type { LocalStreamHost } from "./local-stream-host.ts";
import { PaceAudit } from "./pace-audit.ts";
import { type PluginPlace, RunPlugin } from "./plugin/run-plugin.ts";
import { readSmallFile, type SmallFile } from "./read-small-file.ts";
import { toToolSpec } from "./requested-tool.ts";
import type { RunCounts, RunEnding } from "./run-counts.ts";
import { endRun } from "./run-end.ts";
import { RunJournal } from "./run-journal.ts";
import { RunKeepers } from "./run-keepers.ts";
import { RunLog } from "./run-log.ts";
import { type OpenStream, RunStreams, type RunStreamsParts } from "./run-streams.ts";
import { RunTools } from "./run-tools.ts";
import { assertStrays } from "./stop-strays.ts";
import type { StreamEvents, StreamHost } from "./stream-host.ts";
import { assertPaced, type NamedPace } from "./stream-pace.ts";
import { assertHeldOpen, type StreamPlan } from "./stream-plan.ts";
import type { Tool, ToolExit } from "./tool.ts";
import type { ToolSpec } from "./tool-spec.ts";

/** What a run needs of its agent. */
export interface RunSurroundings {
  readonly roots: readonly string[];
  readonly tools: AllowedTools;
  readonly stateDirectory: string;
  /** Where pipes are served. */
  readonly hosts: readonly StreamHost[];
  /** Where regular files are served: the main thread. */
  readonly mainHost: LocalStreamHost;
  /** Where plugin processes come from. */
  readonly plugin: PluginPlace;
  readonly counts: RunCounts;
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

/**
 * One run on this host: what it has made, its open streams and its tools. Ends by `release`, by
 * `abort` or by its lease, after which nothing of it is left.
 */
export class AgentRun {
  readonly owner: RunOwner;
  readonly sinceMs: number = Date.now();
  readonly events: EventLog = new EventLog();
  readonly paceAudit: PaceAudit = new PaceAudit();
  readonly #around: RunSurroundings;
  readonly #journal: RunJournal;
  readonly #keepers: RunKeepers;
  readonly #lease: Lease;
  readonly #log: RunLog;
  readonly #signs: Disposable;
  readonly #onEnded: () => void;
  readonly #plugin: RunPlugin;
  readonly #streams: RunStreams;
  readonly #tools: RunTools;
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
    const eventsOf: RunStreamsParts["eventsOf"] = (plan, guard) => this.#eventsOf(plan, guard);
    this.#plugin = new RunPlugin(owner, around, journal, this.events);
    const plugin = this.#plugin.session;
    this.#streams = new RunStreams({ ...owner, ...around, journal, keepers, plugin, eventsOf });
    this.#onEnded = onEnded;
    this.#log = new RunLog(around.log.child({ [LOG_FIELD.run]: owner.run }), this.events);
    this.#signs = giveSigns(() => void journal.giveSign());
    this.#lease = new Lease(owner.leaseMs, () => void this.abort("its lease has run out", "lease"));
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

  /** See agent.proto. */
  async prepare(request: PrepareRequest): Promise<PrepareResponse> {
    const { streams, tools, checkOnly, strays, plugin } = request;
    this.#assertOpen();
    assertStrays(strays);
    await assertTools(this.#around.tools, tools);
    const pluginConfig = plugin === undefined ? "" : await this.#plugin.open(plugin, request);
    const prepared = await this.#streams.prepare(streams, checkOnly);
    this.#assertOpen();
    if (!checkOnly) await this.#noteStrays(strays);
    this.#assertOpen();
    return { streams: prepared, pluginConfig };
  }

  /** Starts a tool and returns its process number; see RunTools for a request that is repeated. */
  async startTool(request: StartToolRequest): Promise<number> {
    this.#assertOpen();
    const { tool: name } = request;
    const streams = request.streams.map((stream) => this.#streams.get(stream));
    const spec = toToolSpec(request, toolPath(this.#around.tools, name));
    const makeSpec = (): ToolSpec => ({
      ...spec,
      ...this.#ownPipes(request),
      onLine: (line) =>
        this.#log.info({ [LOG_FIELD.tool]: name, [LOG_FIELD.line]: line }, "tool says"),
    });
    const onStarted = ({ pid, exited }: Tool): void => {
      this.#around.counts.toolStarted();
      this.#log.info({ [LOG_FIELD.tool]: name, [LOG_FIELD.pid]: pid }, "tool started");
      void exited.then((exit) => this.#toolExited(request, exit, streams));
    };
    return (await this.#tools.start(request, makeSpec, onStarted)).pid;
  }

  /** See agent.proto. All of them, or none if one cannot be. */
  setPace(paces: readonly NamedPace[]): void {
    const going = paces.filter(({ name }) => !this.#streams.isOver(name));
    const settings = going.map(({ name, rate }) => ({ stream: this.#streams.get(name), rate }));
    for (const { stream } of settings) assertPaced(stream.plan);
    for (const { stream, rate } of settings) stream.hosted.setPace(rate);
  }

  async findFiles(globs: readonly string[]): Promise<FoundFile[]> {
    const found = await Promise.all(globs.map((glob) => findFiles(glob, this.#around.roots)));
    return found.flat();
  }

  /** See agent.proto. */
  async readFile(path: string, maxBytes: number): Promise<SmallFile> {
    const never = new AbortController().signal;
    return await readSmallFile(path, maxBytes, this.#around.roots, never);
  }

  /** See agent.proto. All of them, or none if one is not held open. */
  endStreams(names: readonly string[]): void {
    const streams = names.map((name) => this.#streams.get(name));
    for (const { plan } of streams) assertHeldOpen(plan);
    for (const { hosted } of streams) hosted.letEnd();
  }

  /** See AnswerPlugin in agent.proto. */
  async answerPlugin(id: bigint, error: string): Promise<void> {
    await this.#plugin.session.answer(Number(id), error);
  }

  /** Stops the tools, then closes and removes everything. Never rejects; repeating it is harmless. */
  abort(reason: string, how: RunEnding = "aborted"): Promise<void> {
    this.#ending ??= this.#end(how, reason);
    return this.#ending;
  }

  /** Ends a run whose tools have ended; if one has not, it is stopped. Never rejects. */
  release(): Promise<void> {
    this.#ending ??= this.#end("released");
    return this.#ending;
  }

  /** Before a tool starts: also an agent that was killed meanwhile has to know them. */
  async #noteStrays(more: readonly string[]): Promise<void> {
    const strays = [...this.#journal.straySearch.strays, ...more];
    const pipes = this.#streams.pipesOf("backup");
    if (strays.length > 0) await this.#journal.recordStrays({ strays, pipes });
  }

  #ownPipes({ stdoutStream, stdinStream }: StartToolRequest): { stdout?: number; stdin?: number } {
    const stdin = stdinStream === "" ? undefined : this.#streams.get(stdinStream).guard;
    return {
      ...(stdoutStream === ""
        ? {}
        : { stdout: openWriteEnd(this.#streams.get(stdoutStream).pipe) }),
      ...(stdin === undefined ? {} : { stdin: openReadEnd(stdin) }),
    };
  }

  #toolExited(
    { toolId, tool, graceMs }: StartToolRequest,
    { exitCode, signal, stderrTail, stdoutTail }: ToolExit,
    streams: readonly OpenStream[],
  ): void {
    this.#log.info(
      { [LOG_FIELD.tool]: tool, [LOG_FIELD.exitCode]: exitCode, [LOG_FIELD.signal]: signal },
      "tool exited",
    );
    this.#around.counts.toolExited(tool, { exitCode, signal });
    this.events.add({
      $case: "toolExited",
      value: { toolId, exitCode: exitCode ?? 0, signal: signal ?? "", stderrTail, stdoutTail },
    });
    for (const { hosted } of streams) hosted.toolEnded(graceMs);
  }

  #eventsOf({ name, kind }: StreamPlan, guard: FifoGuard | undefined): StreamEvents {
    const add = (event: EventBody): void =>
      this.events.add(event, { isOneOfMany: kind === "plugin" });
    return {
      onOpened: () => add({ $case: "streamOpened", value: { name } }),
      onCalledAgain: () => this.#log.info({ [LOG_FIELD.stream]: name }, "mover has called again"),
      onEnded: (tally: Tally) => add({ $case: "streamEnded", value: { name, tally } }),
      onFailed: ({ code, message }) => {
        if (this.#ending !== undefined) return;
        this.#log.warn({ [LOG_FIELD.stream]: name, [LOG_FIELD.reason]: message }, "stream failed");
        this.events.add({ $case: "streamFailed", value: { name, code, message } });
      },
      releaseGuard: async () => guard?.release(),
    };
  }

  async #end(how: RunEnding, reason?: string): Promise<void> {
    this.#lease[Symbol.dispose]();
    this.#signs[Symbol.dispose]();
    if (reason !== undefined) {
      this.#log.warn({ [LOG_FIELD.reason]: reason }, "run aborted");
      this.events.add({ $case: "runAborted", value: { reason } });
    }
    if (reason === undefined) this.#plugin.release();
    else this.#plugin.abort(reason);
    const [tools, plugin, streams] = [this.#tools, this.#plugin, this.#streams];
    const [keepers, journal, log] = [this.#keepers, this.#journal, this.#log];
    const isAborted = reason !== undefined;
    await endRun({ tools, plugin, streams, keepers, journal, log }, { isAborted });
    this.events.close();
    this.#around.counts.runEnded(how);
    this.#onEnded();
    this.#log.info({}, "run ended");
  }

  #assertOpen(): void {
    if (this.#ending === undefined) return;
    throw new PenstockError("not_found", `run ${this.owner.run} has ended`);
  }
}
