import { findStragglers, secondsLeft } from "./forecast.ts";
import { RateWindow } from "./rate-window.ts";
import type { Expected, RunReport, StreamState } from "./report.ts";

/** What is told of warnings; all of them are in the log. */
const KEPT_WARNINGS = 20;

/** How far one stream is. Bytes are stored bytes; rates are per second. */
export interface StreamStatus {
  readonly name: string;
  readonly host: string;
  readonly state: StreamState;
  readonly bytes: number;
  readonly rate: number;
  /** How often its connection was lost and found again. */
  readonly reconnects: number;
  /** What it may come to. */
  readonly expectedBytes?: number;
  /** It holds up the run. */
  readonly isStraggler: boolean;
}

/** How far a run is. */
export interface Progress {
  readonly bytes: number;
  readonly expectedBytes?: number;
  readonly rate: number;
  /** Seconds until everything is moved; null if that cannot be said. */
  readonly eta: number | null;
  readonly reconnects: number;
  /** The newest ones, at most 20. */
  readonly warnings: readonly string[];
  readonly streams: readonly StreamStatus[];
}

interface Stream {
  readonly name: string;
  readonly host: string;
  state: StreamState;
  bytes: number;
  reconnects: number;
  readonly rate: RateWindow;
}

/** What the reports of a run add up to; `nowMs` is a clock that does not go back. */
export class RunStatus {
  readonly #nowMs: () => number;
  readonly #sinceMs: number;
  readonly #streams: Map<string, Stream> = new Map();
  readonly #warnings: string[] = [];
  #expected: Expected | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  take(report: RunReport): void {
    switch (report.event) {
      case "expected":
        this.#expected = report;
        break;
      case "stream":
        this.#update(this.#streamOf(report.stream, report.host), report);
        break;
      case "reconnect":
        this.#streamOf(report.stream, report.host).reconnects += 1;
        break;
      case "warning":
        this.#warnings.push(report.message);
        this.#warnings.splice(0, this.#warnings.length - KEPT_WARNINGS);
        break;
      default:
    }
  }

  /** How it looks now. */
  progress(): Progress {
    const nowMs = this.#nowMs();
    const paces = [...this.#streams.values()].map((stream) => this.#paceOf(stream, nowMs));
    const stragglers = findStragglers(paces, (nowMs - this.#sinceMs) / 1000);
    const streams = paces.map((pace, index) => ({
      ...pace,
      isStraggler: stragglers[index] === true,
    }));
    const expectedBytes = this.#expected?.bytes;
    const eta = secondsLeft(streams, expectedBytes);
    return {
      bytes: sum(streams, "bytes"),
      ...(expectedBytes === undefined ? {} : { expectedBytes }),
      rate: sum(streams, "rate"),
      eta: eta === undefined ? null : Math.ceil(eta),
      reconnects: sum(streams, "reconnects"),
      warnings: [...this.#warnings],
      streams,
    };
  }

  #update(stream: Stream, { state, bytes }: { state: StreamState; bytes: number }): void {
    stream.state = state;
    stream.bytes = Math.max(stream.bytes, bytes);
    stream.rate.add(stream.bytes, this.#nowMs());
  }

  #paceOf(
    { name, host, state, bytes, reconnects, rate }: Stream,
    nowMs: number,
  ): Omit<StreamStatus, "isStraggler"> {
    const expectedBytes = this.#expected?.streams?.[name];
    return {
      name,
      host,
      state,
      bytes,
      rate: state === "flowing" ? Math.round(rate.at(nowMs)) : 0,
      reconnects,
      ...(expectedBytes === undefined ? {} : { expectedBytes }),
    };
  }

  #streamOf(name: string, host: string): Stream {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const rate = new RateWindow();
    const stream: Stream = { name, host, state: "preparing", bytes: 0, reconnects: 0, rate };
    this.#streams.set(name, stream);
    return stream;
  }
}

function sum(streams: readonly StreamStatus[], field: "bytes" | "rate" | "reconnects"): number {
  return streams.reduce((total, stream) => total + stream[field], 0);
}
