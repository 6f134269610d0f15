import { PenstockError } from "../errors.ts";
import { quote } from "./wording.ts";

/** A count of bytes. */
export type Bytes = number;

/** A rate in bytes per second. */
export type BytesPerSecond = number;

/** A length of time in milliseconds. */
export type Milliseconds = number;

const KI = 1024n;
const SIZES: Units = {
  "": 1n,
  B: 1n,
  ...spellings(["k", "K", "KiB"], KI),
  ...spellings(["m", "M", "MiB"], KI ** 2n),
  ...spellings(["g", "G", "GiB"], KI ** 3n),
  ...spellings(["t", "T", "TiB"], KI ** 4n),
  ...spellings(["kB", "KB"], 1000n),
  MB: 1000n ** 2n,
  GB: 1000n ** 3n,
  TB: 1000n ** 4n,
};
const DURATIONS: Units = { ms: 1n, s: 1000n, m: 60_000n, h: 3_600_000n };

/** Node's timers take a longer delay for 1 ms. */
const LONGEST_MS = 2n ** 31n - 1n;

/** What `parseSize` takes, for messages. */
export const SIZE_ALLOWED: string =
  "bytes, or a number with KiB, MiB, GiB or TiB (also k, m, g, t) or with kB, MB, GB or TB, e.g. 64MiB";

/** What `parseRate` takes, for messages. */
export const RATE_ALLOWED: string =
  "off, or bytes per second as a size with or without /s, e.g. 10MiB/s or 10m";

/** What `parseDuration` takes, for messages. */
export const DURATION_ALLOWED: string = "a number with ms, s, m or h, at most 24 days, e.g. 30s";

/**
 * Bytes from `8GiB`, `64MiB`, `10m` (as `pv` and `dd` read it: 10 MiB), `10MB` (10^7) or a plain
 * number. Exact: a size that is not a whole number of bytes is refused. Throws `usage`.
 */
export function parseSize(input: string | number): Bytes {
  return toQuantity(String(input), SIZES) ?? refuse("size", input, SIZE_ALLOWED);
}

/** The shortest text that `parseSize` reads as this many bytes. */
export function formatSize(size: Bytes): string {
  return inLargestUnit(size, { TiB: KI ** 4n, GiB: KI ** 3n, MiB: KI ** 2n, KiB: KI, B: 1n });
}

/**
 * Bytes per second from `10MiB/s` or `10m` (both mean `pv -L10m`), or `undefined` for `off`. Zero, which
 * would stand still, is refused, and so is a number below 1000 without a unit: it is hardly ever meant to
 * be bytes. Throws `usage`.
 */
export function parseRate(input: string | number): BytesPerSecond | undefined {
  const text = String(input);
  if (text === "off") return undefined;
  if (/^\d{1,3}$/.test(text)) return refuse("rate", input, RATE_ALLOWED);
  const rate = toQuantity(text.replace(/\/s$/, ""), SIZES);
  return rate || refuse("rate", input, RATE_ALLOWED);
}

/** The text that `parseRate` reads as this rate. */
export function formatRate(rate: BytesPerSecond | undefined): string {
  return rate === undefined ? "off" : `${formatSize(rate)}/s`;
}

/**
 * Milliseconds from `500ms`, `30s`, `5m` or `1h`. A number without a unit is refused: it would be
 * read as seconds by one and as milliseconds by another. Throws `usage`.
 */
export function parseDuration(input: string | number): Milliseconds {
  const duration = toQuantity(String(input), DURATIONS);
  if (duration === undefined || duration > LONGEST_MS) {
    return refuse("duration", input, DURATION_ALLOWED);
  }
  return duration;
}

/** The shortest text that `parseDuration` reads as this many milliseconds. */
export function formatDuration(duration: Milliseconds): string {
  return inLargestUnit(duration, { h: 3_600_000n, m: 60_000n, s: 1000n, ms: 1n });
}

type Units = Readonly<Record<string, bigint>>;

function spellings(names: readonly string[], factor: bigint): Units {
  return Object.fromEntries(names.map((name) => [name, factor]));
}

/** Whole units only, in integers: `0.1` times anything is not exact in floating point. */
function toQuantity(text: string, units: Units): number | undefined {
  const match = /^(\d{1,16})(?:\.(\d{1,9}))? ?([A-Za-z]*)$/.exec(text);
  const factor = match && Object.hasOwn(units, match[3] ?? "") ? units[match[3] ?? ""] : undefined;
  if (!match || factor === undefined) return undefined;
  const fraction = match[2] ?? "";
  const scaled = BigInt(`${match[1]}${fraction}`) * factor;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) return undefined;
  const quantity = Number(scaled / divisor);
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}

function inLargestUnit(quantity: number, units: Units): string {
  const exact = BigInt(quantity);
  const [unit, factor] = Object.entries(units).find(
    ([, size], index, all) => (exact !== 0n && exact % size === 0n) || index === all.length - 1,
  ) as [string, bigint];
  return `${exact / factor}${unit}`;
}

function refuse(what: string, input: string | number, allowed: string): never {
  throw new PenstockError("usage", `bad ${what} ${quote(input)}; allowed: ${allowed}`);
}
