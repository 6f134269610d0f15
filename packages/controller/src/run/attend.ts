import { rm } from "node:fs/promises";
import { isAbortError, isNameTaken, LOG_FIELD, toError } from "@penstock/common";
import { Cancelled } from "../cancelled.ts";
import { type RunMetricsSettings, serveRunMetrics } from "../metrics/serve-run-metrics.ts";
import { type Steered, serveControl } from "../runs/control-server.ts";
import { LogFile } from "../runs/log-file.ts";
import { pruneRunFolders } from "../runs/prune-run-folders.ts";
import { readNumbers } from "../runs/read-run.ts";
import type { AgentLine, Expected, Reporter, RunReport } from "../runs/report.ts";
import type { RunFolder } from "../runs/run-folder.ts";
import { type RunEnd, RunLog } from "../runs/run-log.ts";
import type { RunAbout, RunSnapshot } from "../runs/run-snapshot.ts";
import { RunStatus } from "../runs/run-status.ts";
import { VERSION } from "../version.ts";
import type { RunContext } from "./context.ts";
import type { Session, SessionListener } from "./session.ts";

/** What is expected is looked up beside the run; storage that takes longer tells nothing in time. */
const EXPECTED_TIMEOUT_MS = 30_000;
/** A run that begins does not wait longer for old folders to be removed. */
const PRUNE_TIMEOUT_MS = 10_000;

/** A run that is to be watched and steered. */
export interface Attending {
  /** `undefined`: there is no place for it, and so neither a log nor a socket. */
  readonly folder: RunFolder | undefined;
  readonly kind: RunAbout["kind"];
  readonly set: string;
  /** What the run may come to; asked for once it has started. May fail. */
  readonly expected: (signal: AbortSignal) => Promise<Expected>;
}

/**
 * Attends to a run from here to its end: keeps its status and its log, and serves its control socket.
 * Never throws: what cannot be had is warned of, and the run goes on without.
 */
export async function attend(
  context: RunContext,
  session: Session,
  attending: Attending,
): Promise<Attended> {
  const { cluster, plan } = context;
  const { folder, kind, set } = attending;
  const about = {
    ...{ run: session.ref.run, set, plan, cluster, kind },
    ...{ pid: process.pid, startedAt: new Date().toISOString() },
  };
  const attended = new Attended({ about, attending, session, context });
  if (folder !== undefined) {
    await attended.open(folder);
    const soon = AbortSignal.timeout(PRUNE_TIMEOUT_MS);
    await pruneRunFolders(context.runDirectory, cluster, soon).catch(() => {}); // next time, then
  }
  if (context.metrics !== undefined) await attended.measure(context.metrics);
  session.reportTo(attended);
  context.pace.reportTo(attended.report);
  return attended;
}

interface AttendedParts {
  readonly about: RunAbout;
  readonly attending: Attending;
  readonly session: Session;
  readonly context: Pick<RunContext, "pace" | "report" | "runDirectory">;
}

/** A run that is attended to. Disposing of it writes the last line of its log. */
export class Attended implements AsyncDisposable, SessionListener, Steered {
  readonly #parts: AttendedParts;
  readonly #status: RunStatus = new RunStatus(() => performance.now());
  readonly #opened: AsyncDisposableStack = new AsyncDisposableStack();
  readonly #over: AbortController = new AbortController();
  #log: RunLog | undefined;
  #end: RunEnd | undefined;

  constructor(parts: AttendedParts) {
    this.#parts = parts;
  }

  /** Begins log and socket in this folder; a warning says what cannot be had. */
  async open(folder: RunFolder): Promise<void> {
    try {
      const numbers = await readNumbers(folder);
      const onBroken = (cause: unknown): void => this.#warn("its log has stopped", cause);
      const file = this.#opened.use(new LogFile(folder, onBroken));
      this.#log = new RunLog(file, this.#parts.about, VERSION, numbers);
    } catch (error) {
      this.#warn("it has no log", error);
    }
    try {
      this.#opened.use(await serveControl(folder, this));
    } catch (error) {
      this.#warn("it can be neither watched nor steered", error);
    }
  }

  /** Serves its metrics; a warning says if that cannot be. */
  async measure(settings: RunMetricsSettings): Promise<void> {
    const { runDirectory } = this.#parts.context;
    const run = { runDirectory, snapshot: () => this.snapshot() };
    try {
      this.#opened.use(await serveRunMetrics(settings, run, this.#over.signal));
    } catch (error) {
      this.#warn("its metrics are not served", error);
    }
  }

  /** Where everything in the run reports. After its failure the rest follows from it: log only. */
  readonly report: Reporter = (report) => {
    this.#log?.take(report);
    this.#show(report);
    if (report.event === "started") void this.#expect();
  };

  /** What an agent has logged; shown if it is news, which a reason is not: it comes as an error. */
  line(line: AgentLine): void {
    const isCopy = this.#log?.line(line) === false;
    const { host, level, message, fields } = line;
    const isNews = level !== "info" && level !== "debug" && !(LOG_FIELD.reason in fields);
    if (isNews && !isCopy) this.#show({ event: "warning", message: `${host}: ${message}` });
  }

  snapshot(): RunSnapshot {
    const { about, context } = this.#parts;
    return { ...about, throttle: context.pace.rate ?? null, ...this.#status.progress() };
  }

  cancel(by: string): void {
    this.#log?.write("info", { by }, "cancellation asked for");
    this.#parts.session.fail(new Cancelled("SIGINT", `${by} through penstock cancel`));
  }

  throttle(rate: number | null, by: string): void {
    this.#log?.write("info", { rate: rate ?? "off", by }, "throttle changed");
    this.#parts.context.pace.setRate(rate ?? undefined);
  }

  /** The run has done what it should. */
  succeeded(end: "committed" | "restored"): void {
    this.#end = end;
  }

  /** The one reason why it has not. */
  failed(error: unknown): void {
    this.#log?.failed(error);
    this.#end = isAbortError(error) ? "cancelled" : "failed";
    if (isNameTaken(error)) this.#opened.defer(() => this.#forget());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    const { bytes, streams, reconnects } = this.#status.progress();
    this.#log?.ended(this.#end ?? "failed", { bytes, streams: streams.length, reconnects });
    await this.#opened.disposeAsync();
  }

  #show(report: RunReport): void {
    this.#status.take(report);
    if (this.#end === undefined || report.event === "stream") this.#parts.context.report(report);
  }

  #warn(what: string, cause: unknown): void {
    const message = `run ${this.#parts.about.run}: ${what}: ${toError(cause).message}`;
    this.report({ event: "warning", message });
  }

  /** Never rejects. */
  async #expect(): Promise<void> {
    const soon = AbortSignal.any([this.#over.signal, AbortSignal.timeout(EXPECTED_TIMEOUT_MS)]);
    try {
      const expected = await this.#parts.attending.expected(soon);
      if (this.#end === undefined) this.report({ event: "expected", ...expected });
    } catch {
      // A first run has none; storage that is broken is told of by what the run itself does there.
    }
  }

  /** Another run has the name, and will say what there is to say under it. */
  async #forget(): Promise<void> {
    const { folder } = this.#parts.attending;
    if (folder !== undefined) await rm(folder.path, { recursive: true, force: true });
  }
}
