import type { StreamState } from "./report.ts";

/** Less is no straggler: nobody has to get up for it. */
const LEAST_LATENESS_SECONDS = 10;
/** Of the time in which the other streams end. */
const MUCH_LATER = 1 / 4;
/** Of the other streams' rate. */
const MUCH_SLOWER = 1 / 4;

/** What is known of a stream's way. */
export interface StreamPace {
  readonly state: StreamState;
  readonly bytes: number;
  /** Bytes per second. */
  readonly rate: number;
  readonly expectedBytes?: number;
}

/**
 * In how many seconds a run has moved everything: the slowest stream says so, and all bytes together,
 * since a stream may still be waiting for its turn. `undefined` if nothing can be said.
 */
export function secondsLeft(
  streams: readonly StreamPace[],
  expectedBytes: number | undefined,
): number | undefined {
  const flowing = streams.filter(({ state }) => state === "flowing").map(streamSecondsLeft);
  const bytes = streams.reduce((sum, stream) => sum + stream.bytes, 0);
  const rate = streams.reduce((sum, stream) => sum + stream.rate, 0);
  const left = [...flowing, untilAll(bytes, rate, expectedBytes)];
  const known = left.filter((seconds) => seconds !== undefined && Number.isFinite(seconds));
  return known.length === 0 ? undefined : Math.max(...(known as number[]));
}

/**
 * Which streams hold up the run: those that will end much later than the others do or, if that is not
 * known, are much slower than others. `elapsedSeconds` is how long the run has been going on.
 */
export function findStragglers(streams: readonly StreamPace[], elapsedSeconds: number): boolean[] {
  const left = streams.map(streamSecondsLeft);
  const typicalLeft = lowerMedian(left.filter((seconds) => seconds !== undefined));
  const rates = streams.filter(({ state }) => state === "flowing").map(({ rate }) => rate);
  const typicalRate = -lowerMedian(rates.map((rate) => -rate));
  const lateness = (elapsedSeconds + typicalLeft) * MUCH_LATER;
  return streams.map(({ state, rate }, index) => {
    if (state !== "flowing") return false;
    const seconds = left[index];
    if (seconds === undefined) return rate < typicalRate * MUCH_SLOWER;
    return seconds - typicalLeft > Math.max(lateness, LEAST_LATENESS_SECONDS);
  });
}

/** Infinity for a stream that stands still; `undefined` if it is not known how long it will be. */
function streamSecondsLeft({ state, bytes, rate, expectedBytes }: StreamPace): number | undefined {
  if (state === "done" || state === "received" || state === "absent") return 0;
  if (state !== "flowing") return undefined;
  return untilAll(bytes, rate, expectedBytes);
}

function untilAll(bytes: number, rate: number, expected: number | undefined): number | undefined {
  if (expected === undefined || expected <= bytes) return undefined;
  return (expected - bytes) / rate;
}

/** The middle one, of two the smaller; 0 of none. */
function lowerMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}
