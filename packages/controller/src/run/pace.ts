import { type BytesPerSecond, hasCode, raceAbort, systemClock, toError } from "@penstock/common";
import type { Reporter, StreamState } from "../runs/report.ts";
import { isLimited, type PaceLimits, shareOut } from "./pace-shares.ts";
import { PacedStream, type TellRates } from "./pace-stream.ts";
import { openWindow, type PaceWindow } from "./pace-windows.ts";

/** How often shares are looked at again. */
const TICK_MS = 250;
/** How often the time of day is looked at while nothing is limited. */
const WATCH_MS = 10_000;
/** An idle stream's part of an equal share: enough to begin, and to be seen. */
const IDLE_PART = 0.02;
const ENDED: ReadonlySet<StreamState> = new Set(["received", "done", "absent", "failed"]);

/** What a plan says. */
export interface PaceSettings {
  readonly throttle: PaceLimits;
  readonly windows: readonly PaceWindow[];
}

/** Streams that are to be paced. */
export interface PacedStreams {
  readonly streams: readonly { readonly name: string; readonly host: string }[];
  /** They may have a pace from another process; else they go as fast as they can. */
  readonly mayHavePace?: boolean;
  readonly tell: TellRates;
}

/**
 * The throttle of one run: shares its limits out among the streams that can use them, and tells
 * their senders. While nothing is limited it does nothing at all.
 */
export class RunPace implements Disposable {
  readonly #settings: PaceSettings;
  readonly #members: Map<string, PacedStream> = new Map();
  /** Hosts that are being told, and have not answered. */
  readonly #busy: Set<string> = new Set();
  /** Hosts that have refused a pace in mid-run. */
  readonly #refusing: Set<string> = new Set();
  #report: Reporter = () => {};
  /** What a person has said, which holds to the end of the run. */
  #said: { readonly rate: BytesPerSecond | undefined } | undefined;
  #timer: { readonly everyMs: number; readonly handle: Disposable } | undefined;

  constructor(settings: PaceSettings) {
    this.#settings = settings;
  }

  /** From now on this one is told what goes wrong. */
  reportTo(report: Reporter): void {
    this.#report = report;
  }

  /** Stored bytes per second of the whole run, as it holds now; `undefined` if that is not limited. */
  get rate(): BytesPerSecond | undefined {
    const { throttle, windows } = this.#settings;
    return (this.#said ?? openWindow(windows, new Date()) ?? { rate: throttle.run }).rate;
  }

  /**
   * A person's word on the whole run's rate: holds at once and until the run ends, whatever the time
   * of day. What the plan says of each host and stream holds beside it.
   */
  setRate(rate: BytesPerSecond | undefined): void {
    this.#said = { rate };
    this.#tick();
  }

  /**
   * Paces these streams until they end or the signal aborts. Resolves when every one has its first
   * pace: only then may its tool start. A sender that does not answer is asked again; if it refuses,
   * its error is thrown.
   */
  async begin(
    { streams, tell, mayHavePace = false }: PacedStreams,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const members = streams.map((stream) => new PacedStream(stream, tell, mayHavePace));
    for (const member of members) this.#members.set(member.name, member);
    const leave = (): void => {
      for (const { name } of members) this.#leave(name);
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#tick();
    await raceAbort(Promise.all(members.map(({ begun }) => begun)), signal);
  }

  /** What a stream may do now. */
  rateOf(name: string): BytesPerSecond | undefined {
    return this.#members.get(name)?.toTell.rate;
  }

  /** A reporter that passes all on, and sees from it how much every stream moves and when it ends. */
  follow(report: Reporter): Reporter {
    return (told) => {
      if (told.event === "stream") this.#see(told.stream, told.state, told.bytes);
      report(told);
    };
  }

  [Symbol.dispose](): void {
    this.#members.clear();
    this.#arm();
  }

  #see(name: string, state: StreamState, bytes: number): void {
    if (ENDED.has(state)) this.#leave(name);
    else this.#members.get(name)?.demand.report(bytes, systemClock.nowMs());
  }

  #leave(name: string): void {
    this.#members.get(name)?.begin();
    this.#members.delete(name);
    if (this.#members.size === 0) this.#arm();
  }

  #tick(): void {
    this.#shareOut();
    const untold = [...this.#members.values()].filter((member) => member.isUntold);
    for (const [host, members] of Map.groupBy(untold, ({ host }) => host)) {
      if (!this.#busy.has(host)) void this.#tell(host, members);
    }
    for (const member of this.#members.values()) if (!member.isUntold) member.begin();
    this.#arm();
  }

  #shareOut(): void {
    const nowMs = systemClock.nowMs();
    const members = [...this.#members.values()];
    const limits = { ...this.#settings.throttle, run: this.rate };
    const equal = shareOut(
      limits,
      members.map(({ host }) => ({ host, demand: Number.POSITIVE_INFINITY })),
    );
    const claims = members.map(({ host, demand }, index) => {
      const least = (equal[index] ?? 0) * IDLE_PART;
      return { host, demand: Math.max(demand.at(nowMs), least) };
    });
    for (const [index, share] of shareOut(limits, claims).entries()) {
      const member = members[index];
      if (member !== undefined) member.share = share;
    }
  }

  /** What fails is untold still, and so comes up again. */
  async #tell(host: string, members: readonly PacedStream[]): Promise<void> {
    this.#busy.add(host);
    const rates = members.map((member) => member.toTell);
    try {
      await members[0]?.tell(host, rates);
      const nowMs = systemClock.nowMs();
      for (const [index, member] of members.entries()) member.told(rates[index]?.rate, nowMs);
    } catch (error) {
      // Whether an agent is lost is for others to say; it is asked again.
      if (hasCode(error, "unreachable")) return;
      this.#refused(host, members, toError(error));
    } finally {
      this.#busy.delete(host);
    }
  }

  /** Who refuses a first pace ends the beginning; later the run goes on, and is told so once. */
  #refused(host: string, members: readonly PacedStream[], error: Error): void {
    const stillPaced = members.filter((member) => this.#members.get(member.name) === member);
    const goOn = stillPaced.filter((member) => member.refused(error));
    if (goOn.length === 0 || this.#refusing.has(host)) return;
    this.#refusing.add(host);
    const message = `the throttle does not hold on host ${host}: ${error.message}`;
    this.#report({ event: "warning", message });
  }

  /** Sees to it that a tick comes when there is something to do, and none otherwise. */
  #arm(): void {
    const everyMs = this.#nextMs();
    if (this.#timer?.everyMs === everyMs) return;
    this.#timer?.handle[Symbol.dispose]();
    this.#timer =
      everyMs === undefined
        ? undefined
        : { everyMs, handle: systemClock.every(everyMs, () => this.#tick()) };
  }

  #nextMs(): number | undefined {
    if (this.#members.size === 0) return undefined;
    const { throttle, windows } = this.#settings;
    if (isLimited({ ...throttle, run: this.rate })) return TICK_MS;
    if ([...this.#members.values()].some((member) => member.isUntold)) return TICK_MS;
    return windows.length > 0 && this.#said === undefined ? WATCH_MS : undefined;
  }
}
