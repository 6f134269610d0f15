import { cpus } from "node:os";
import type { Ratio, SummaryRow } from "./summary.ts";
import { textTable } from "./text-table.ts";

/** Everything that a run of the benchmark found. */
export interface BenchResult {
  readonly rows: readonly SummaryRow[];
  readonly ratios: readonly Ratio[];
  /** What else a reader should know: a line each. */
  readonly notes: readonly string[];
}

/** The result as one JSON object. */
export function toJson(result: BenchResult): string {
  return `${JSON.stringify({ cpus: cpus().length, node: process.version, ...result }, null, 2)}\n`;
}

/** The result for a reader. */
export function toText({ rows, ratios, notes }: BenchResult): string {
  const lines = notes.map((note) => `${note}\n`).join("");
  return `${resultTable(rows)}\n${ratioTable(ratios)}${lines}`;
}

function resultTable(rows: readonly SummaryRow[]): string {
  const header = ["", "streams", "MB/s", "MB/s synced", "CPU s/GB"];
  header.push("sender MiB", "receiver MiB", "command s");
  return textTable(
    header,
    rows.map((row) => [
      row.contender,
      String(row.streams),
      row.megabytesPerSecond.toFixed(0),
      row.syncedMegabytesPerSecond.toFixed(0),
      row.cpuSecondsPerGigabyte.toFixed(2),
      mebibytes(row.senderPeakBytes),
      mebibytes(row.receiverPeakBytes),
      row.commandSeconds.toFixed(2),
    ]),
  );
}

function ratioTable(ratios: readonly Ratio[]): string {
  if (ratios.length === 0) return "";
  const rows = ratios.map((ratio) => [
    `${ratio.of} / ${ratio.to}`,
    String(ratio.streams),
    ratio.throughput.toFixed(2),
    ratio.syncedThroughput.toFixed(2),
  ]);
  return `${textTable(["ratio", "streams", "MB/s", "MB/s synced"], rows)}\n`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
