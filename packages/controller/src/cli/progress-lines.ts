import type { Reporter, RunReport } from "../runs/report.ts";
import { RunStatus } from "../runs/run-status.ts";
import { printable } from "./printable.ts";
import { streamLines, totalLine } from "./status-lines.ts";

const LINE_EVERY_MS = 5_000;
const REDRAW_EVERY_MS = 250;

/** Shows a run to a person on standard error. Dispose it before anything else is printed. */
export interface ProgressDisplay extends Disposable {
  readonly report: Reporter;
}

/** On a terminal one line per stream, drawn again and again; elsewhere one line every few seconds. */
export function createProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  const status = new RunStatus(() => performance.now());
  const show = stream.isTTY ? new Screen(stream, status) : new Lines(stream, status);
  const timer = setInterval(() => show.tick(), stream.isTTY ? REDRAW_EVERY_MS : LINE_EVERY_MS);
  return {
    report(report) {
      status.take(report);
      const notice = toNotice(report);
      if (notice !== undefined) show.notice(notice);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      show.close();
    },
  };
}

class Lines {
  readonly #stream: NodeJS.WriteStream;
  readonly #status: RunStatus;

  constructor(stream: NodeJS.WriteStream, status: RunStatus) {
    this.#stream = stream;
    this.#status = status;
  }

  tick(): void {
    this.notice(totalLine(this.#status.progress()));
  }

  notice(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  close(): void {}
}

class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #status: RunStatus;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream, status: RunStatus) {
    this.#stream = stream;
    this.#status = status;
  }

  tick(): void {
    this.#erase();
    const progress = this.#status.progress();
    const width = Math.max(20, this.#stream.columns - 1);
    const most = Math.max(1, this.#stream.rows - 4);
    const rows = [...streamLines(progress.streams, most), totalLine(progress)];
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
      return `stream ${report.stream} of ${report.host}: connection lost and found again (${printable(report.cause)})`;
    case "warning":
      return `warning: ${printable(report.message)}`;
    default:
      return undefined;
  }
}
