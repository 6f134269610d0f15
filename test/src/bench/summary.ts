import type { Measurement } from "./measure.ts";
import { median } from "./median.ts";

/** Medians of one contender with one number of streams. Each column is a median of its own. */
export interface SummaryRow {
  readonly contender: string;
  readonly streams: number;
  readonly runs: number;
  /** 10^6 bytes per second, from the start of the writer until the last byte was taken over. */
  readonly megabytesPerSecond: number;
  /** The same, until the bytes were on the disk. */
  readonly syncedMegabytesPerSecond: number;
  /** CPU seconds per 10^9 bytes. */
  readonly cpuSecondsPerGigabyte: number;
  readonly senderPeakBytes: number;
  readonly receiverPeakBytes: number;
  /** Wall time of the whole command. */
  readonly commandSeconds: number;
}

/** How two rows of the same number of streams compare: throughput of `of` over that of `to`. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
  readonly streams: number;
  readonly throughput: number;
  readonly syncedThroughput: number;
}

/** One row per contender and number of streams, in the order in which they came first. */
export function summarize(measurements: readonly Measurement[]): SummaryRow[] {
  const groups = Map.groupBy(measurements, (each) => `${each.streams} ${each.contender}`);
  const rows = [...groups.values()].map(summarizeGroup);
  return rows.toSorted((a, b) => a.streams - b.streams);
}

function summarizeGroup(group: readonly Measurement[]): SummaryRow {
  const [first] = group;
  if (first === undefined) throw new Error("no measurement");
  const medianOf = (value: (each: Measurement) => number): number => median(group.map(value));
  return {
    contender: first.contender,
    streams: first.streams,
    runs: group.length,
    megabytesPerSecond: medianOf((each) => each.bytes / each.seconds / 1e6),
    syncedMegabytesPerSecond: medianOf((each) => each.bytes / each.syncedSeconds / 1e6),
    cpuSecondsPerGigabyte: medianOf((each) => (each.cpuSeconds / each.bytes) * 1e9),
    senderPeakBytes: medianOf((each) => each.senderPeakBytes),
    receiverPeakBytes: medianOf((each) => each.receiverPeakBytes),
    commandSeconds: medianOf((each) => each.commandSeconds),
  };
}

/** Each of the rows `of` against each of the rows `to`, where both were measured. */
export function compare(
  rows: readonly SummaryRow[],
  of: readonly string[],
  to: readonly string[],
): Ratio[] {
  return rows
    .filter((row) => of.includes(row.contender))
    .flatMap((row) =>
      rows
        .filter((base) => base.streams === row.streams && to.includes(base.contender))
        .map((base) => ratio(row, base)),
    );
}

function ratio(row: SummaryRow, base: SummaryRow): Ratio {
  return {
    of: row.contender,
    to: base.contender,
    streams: row.streams,
    throughput: row.megabytesPerSecond / base.megabytesPerSecond,
    syncedThroughput: row.syncedMegabytesPerSecond / base.syncedMegabytesPerSecond,
  };
}
