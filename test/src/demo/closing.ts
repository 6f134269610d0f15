import { join } from "node:path";

/** What there is to say at the end. */
export interface Closing {
  readonly dir: string;
  /** True if `dir` is still there afterwards. */
  readonly isKept: boolean;
  /** A shell command that shows something of a dump on its standard input. */
  readonly inspect: string;
  readonly seconds: number;
}

/** What was done, where it lies and what to try next. */
export function toClosingLines(closing: Closing): string[] {
  return [
    "Four databases became one backup set; it was read back, and restored into empty servers.",
    `That took ${closing.seconds.toFixed(0)} s. Agents and servers are stopped, their data is removed.`,
    ...(closing.isKept ? toKeptLines(closing) : REMOVED_LINES),
  ];
}

const REMOVED_LINES = [
  "The backup set is removed, too. To keep one and look at it:",
  "  npm run demo -- --keep /tmp/penstock-demo",
  "To back up hosts of your own, go on with the README.",
];

function toKeptLines({ dir, inspect }: Closing): string[] {
  const config = join(dir, "penstock.yaml");
  const streams = join(dir, "store/warehouse/*/streams");
  return [
    `configuration: ${config}`,
    `certificates:  ${join(dir, "pki")}`,
    `backup set:    ${join(dir, "store")}`,
    "What to try next, after `npm run build`:",
    `  npx penstock show LATEST --config ${config}`,
    `  npx penstock cat LATEST app-sdw1 --config ${config} | ${inspect}`,
    "Without Penstock:",
    `  sha256sum ${streams}/*.zst`,
    `  zstd -dc ${streams}/app-sdw1.zst | ${inspect}`,
  ];
}
