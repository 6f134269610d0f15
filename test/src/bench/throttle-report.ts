import { textTable } from "./text-table.ts";
import type { ThrottleSample } from "./throttle.ts";

/** The samples for a reader. */
export function throttleText(samples: readonly ThrottleSample[]): string {
  const rows = samples.map(({ direction, streams, limit, rate }) => [
    direction,
    String(streams),
    mebibytes(limit),
    mebibytes(rate),
    errorText({ limit, rate }),
  ]);
  return textTable(["", "streams", "limit MiB/s", "MiB/s", "error"], rows);
}

/** The samples as one JSON object. */
export function throttleJson(samples: readonly ThrottleSample[]): string {
  return `${JSON.stringify({ node: process.version, samples }, undefined, 2)}\n`;
}

/** By how much a rate is not its limit. */
export function errorText({ limit, rate }: Pick<ThrottleSample, "limit" | "rate">): string {
  const percent = (rate / limit - 1) * 100;
  return `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
