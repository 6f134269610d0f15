/** Rows of text in columns, the first row as headings; numbers stand at the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.map((_, index) => rows.map((row) => row[index] ?? "")) ?? [];
  const widths = columns.map((cells) => Math.max(...cells.map((cell) => cell.length)));
  const isNumber = columns.map((cells) =>
    cells.slice(1).every((cell) => /^[\d.]+( \w+)?$/.test(cell)),
  );
  const pad = (cell: string, index: number): string =>
    isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
  return rows.map((row) => `${row.map(pad).join("  ").trimEnd()}\n`).join("");
}

/** Bytes for a person: "1.5 GiB". */
export function humanBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${value.toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
