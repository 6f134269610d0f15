import type { ComparedTable } from "./databases.ts";

/** A table for people, one line for each database table. */
export function toComparisonLines(tables: readonly ComparedTable[]): string[] {
  const header = ["host", "table", "rows", "checksum"];
  const cells = tables.map(({ host, table, rows, isEqual }) => {
    return [host, table, rows.toLocaleString("en"), isEqual ? "equal" : "DIFFERENT"];
  });
  const all = [header, ...cells];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => pad(cell, column, widths))
      .join("  ")
      .trimEnd(),
  );
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return column === 2 ? cell.padStart(width) : cell.padEnd(width); // row counts to the right
}
