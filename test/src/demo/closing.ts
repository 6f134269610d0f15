import { join } from "node:path";

/** How the demo ended. */
export interface Closing {
  readonly dir: string;
  /** True if `dir` is still there afterwards. */
  readonly isKept: boolean;
  readonly seconds: number;
}

/** What was done, where it lies and what to try next. */
export function toClosingLines({ dir, isKept, seconds }: Closing): string[] {
  const done = [
    `Four databases became one backup set, were read back, and were restored from it, in ${seconds.toFixed(0)} s.`,
    "Agents and servers are stopped and their data is removed.",
  ];
  return [...done, ...(isKept ? toKeptLines(dir) : REMOVED_LINES)];
}

const REMOVED_LINES = [
  "The backup set is removed as well. To look at one, keep it:",
  "  npm run demo -- --keep /tmp/penstock-demo",
  "To back up hosts of your own, go on with the README.",
];

function toKeptLines(dir: string): string[] {
  const config = join(dir, "penstock.yaml");
  const streams = join(dir, "store/warehouse/*/streams");
  return [
    `Configuration: ${config}`,
    `Certificates:  ${join(dir, "pki")}`,
    `Backup set:    ${join(dir, "store")}`,
    "What to try next:",
    "  npm run build",
    `  npx penstock show LATEST --config ${config}`,
    `  npx penstock cat LATEST app-sdw1 --config ${config} | head -c 400`,
    `  sha256sum ${streams}/*.zst                    # as in the manifest`,
    `  zstd -dc ${streams}/app-sdw1.zst | head -c 400   # Penstock is not needed to read it`,
  ];
}
