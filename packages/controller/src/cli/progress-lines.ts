import type { Reporter, RunReport, StreamState } from "../run/report.ts";
import { humanBytes } from "./table.ts";

const LINE_EVERY_MS = 5_000;
const REDRAW_EVERY_MS = 250;

interface Line {
  readonly host: string;
  state: StreamState;
  bytes: number;
  /** Of the last redraw, for the rate. */
  shownBytes: number;
  bytesPerSecond: number;
}

/** Shows a run to a person on standard error. Dispose it before anything else is printed. */
export interface ProgressDisplay extends Disposable {
  readonly report: Reporter;
}

/** On a terminal one line per stream, drawn again and again; elsewhere one line every few seconds. */
export function createProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  const state = new ProgressState();
  const show = stream.isTTY ? new Screen(stream, state) : new Log(stream, state);
  const timer = setInterval(() => show.tick(), stream.isTTY ? REDRAW_EVERY_MS : LINE_EVERY_MS);
  return {
    report(report) {
      state.take(report);
      const notice = toNotice(report);
      if (notice !== undefined) show.notice(notice);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      show.close();
    },
  };
}

class ProgressState {
  readonly #lines: Map<string, Line> = new Map();
  #expectedBytes = 0;
  #lastTickMs: number = performance.now();

  take(report: RunReport): void {
    if (report.event === "expected") this.#expectedBytes = report.bytes;
    if (report.event !== "stream") return;
    const line = this.#lines.get(report.stream);
    if (line === undefined) {
      const { host, state, bytes } = report;
      this.#lines.set(report.stream, { host, state, bytes, shownBytes: 0, bytesPerSecond: 0 });
    } else {
      line.state = report.state;
      line.bytes = Math.max(line.bytes, report.bytes);
    }
  }

  /** Updates the rates: averages over about the last second. */
  tick(): void {
    const nowMs = performance.now();
    const seconds = Math.max(0.001, (nowMs - this.#lastTickMs) / 1000);
    this.#lastTickMs = nowMs;
    const weight = 1 - Math.exp(-seconds);
    for (const line of this.#lines.values()) {
      const now = (line.bytes - line.shownBytes) / seconds;
      line.bytesPerSecond += (now - line.bytesPerSecond) * weight;
      line.shownBytes = line.bytes;
    }
  }

  total(): string {
    const lines = [...this.#lines.values()];
    const bytes = lines.reduce((sum, line) => sum + line.bytes, 0);
    const rate = lines.reduce((sum, line) => sum + line.bytesPerSecond, 0);
    const done = lines.filter((line) => line.state === "done").length;
    const parts = [
      `${humanBytes(bytes)}`,
      `${humanBytes(rate)}/s`,
      `${done} of ${lines.length} streams done`,
    ];
    const left = this.#expectedBytes - bytes;
    if (left > 0 && rate > 1) parts.push(`about ${Math.ceil(left / rate)} s left`);
    return parts.join(", ");
  }

  /** One line per stream; those that hold up the others are marked. */
  rows(most: number): string[] {
    const busy = [...this.#lines].filter(([, line]) => line.state !== "done");
    const rates = busy.map(([, line]) => line.bytesPerSecond).sort((a, b) => a - b);
    const median = rates[Math.floor(rates.length / 2)] ?? 0;
    const all = busy.length > most ? busy : [...this.#lines];
    return all.slice(0, most).map(([name, line]) => {
      const isStraggler = line.state === "flowing" && line.bytesPerSecond < median / 4;
      const rate = line.state === "done" ? "" : `${humanBytes(line.bytesPerSecond)}/s`;
      const columns = [line.host.padEnd(12), name.padEnd(24), humanBytes(line.bytes).padStart(10)];
      return `${columns.join(" ")} ${rate.padStart(12)}  ${line.state}${isStraggler ? "  << slow" : ""}`;
    });
  }
}

class Log {
  readonly #stream: NodeJS.WriteStream;
  readonly #state: ProgressState;

  constructor(stream: NodeJS.WriteStream, state: ProgressState) {
    this.#stream = stream;
    this.#state = state;
  }

  tick(): void {
    this.#state.tick();
    this.notice(this.#state.total());
  }

  notice(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  close(): void {}
}

class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #state: ProgressState;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream, state: ProgressState) {
    this.#stream = stream;
    this.#state = state;
  }

  tick(): void {
    this.#state.tick();
    this.#erase();
    const width = Math.max(20, this.#stream.columns - 1);
    const rows = [...this.#state.rows(Math.max(1, this.#stream.rows - 3)), this.#state.total()];
    this.#stream.write(rows.map((row) => `${row.slice(0, width)}\n`).join(""));
    this.#drawn = rows.length;
  }

  notice(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
  }

  close(): void {
    this.tick();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#stream.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }
}

/** What deserves a line of its own. */
function toNotice(report: RunReport): string | undefined {
  switch (report.event) {
    case "started":
      return `run ${report.run} of plan ${report.plan}`;
    case "reconnect":
      return `stream ${report.stream} of ${report.host}: connection lost and found again (${report.cause})`;
    case "warning":
      return `warning: ${report.message}`;
    default:
      return undefined;
  }
}
