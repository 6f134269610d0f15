import fc from "fast-check";
import { expect, test } from "vitest";
import { type ByteStream, flow } from "../byte-stream.ts";
import type { Clock } from "../clock.ts";
import { Pace, pacing } from "./pace.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const never = new AbortController().signal;
/** Whatever is in it; chunks of all sizes are cut from it. */
const CHUNK = new Uint8Array(256 * KIB);

/** A clock that stands until it is told the time; timers then come at their moments, in order. */
class TestClock implements Clock {
  #nowMs = 0;
  readonly #timers: Set<{ readonly atMs: number; readonly action: () => void }> = new Set();

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, action: () => void): Disposable {
    const timer = { atMs: this.#nowMs + Math.max(1, Math.trunc(ms)), action };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass. Every timer comes `lateMs` after its moment, as on a busy machine. */
  async pass(ms: number, lateMs = 0): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs + lateMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs + lateMs);
      next.action();
      await settled();
    }
    this.#nowMs = endMs;
  }

  get waiting(): number {
    return this.#timers.size;
  }

  delay(): Promise<void> {
    throw new Error("nothing here delays");
  }

  every(): Disposable {
    throw new Error("nothing here repeats");
  }
}

/** All that can happen without time passing has happened. */
async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

/** Reads an endless stream with this pace as fast as it goes. */
function readThrough(
  pace: Pace,
  next: () => number | Promise<number>,
  signal = never,
  meter?: Meter,
) {
  let passed = 0;
  async function* endless(): ByteStream {
    for (;;) yield CHUNK.subarray(0, await next());
  }
  const read = async (): Promise<void> => {
    for await (const { length } of flow(signal, endless(), pacing(pace))) {
      passed += length;
      meter?.add(length);
      if (pace.rate === undefined) await settled(); // or it would never let time pass
    }
  };
  const ended = read();
  ended.catch(() => {}); // only the test of aborting asks
  return { ended, bytes: () => passed };
}

test("without a rate nothing waits", () => {
  const pace = new Pace(new TestClock());
  expect(pace.take(1024 * MIB, never)).toBeUndefined();
  expect(pace.take(1024 * MIB, never)).toBeUndefined();
});

test.each([
  ["10 MiB/s", 10 * MIB, 0],
  ["200 MiB/s", 200 * MIB, 0],
  ["200 MiB/s with timers 15 ms late", 200 * MIB, 15],
  ["1 KiB/s, less than a chunk in ten seconds", KIB, 0],
])("%s: what passes in ten seconds is right to a chunk", async (_, rate, lateMs) => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  pace.rate = rate;
  const { bytes } = readThrough(pace, () => 256 * KIB);
  await clock.pass(10_000, lateMs);
  expect(Math.abs(bytes() - rate * 10)).toBeLessThanOrEqual(256 * KIB + rate * (lateMs / 1000));
});

test("what was not used is not saved up, but for a tenth of a second", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  pace.rate = 10 * MIB;
  await clock.pass(60_000);
  const { bytes } = readThrough(pace, () => KIB);
  await clock.pass(0);
  expect(bytes()).toBe(MIB + KIB);
});

test("a faster rate holds at once for a chunk that is waiting", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  pace.rate = KIB;
  expect(pace.take(MIB, never)).toBeUndefined();
  const turn = pace.take(1, never);
  await clock.pass(1_000);
  pace.rate = MIB;
  let hasPassed = false;
  void turn?.then(() => (hasPassed = true));
  await clock.pass(998);
  expect(hasPassed).toBe(false);
  await clock.pass(2);
  expect(hasPassed).toBe(true);
});

test("a slower rate holds at once, and what was saved up is cut", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  pace.rate = 100 * MIB;
  await clock.pass(1_000);
  pace.rate = 1 * MIB;
  const { bytes } = readThrough(pace, () => KIB);
  await clock.pass(1_000);
  expect(bytes()).toBeLessThanOrEqual(1.1 * MIB + KIB);
});

test("off lets everything that waits pass, and forgets what was owed", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  pace.rate = 1;
  void pace.take(MIB, never);
  const turn = pace.take(MIB, never);
  pace.rate = undefined;
  await turn;
  pace.rate = MIB;
  expect(pace.take(MIB, never)).toBeUndefined();
  expect(clock.waiting).toBe(0);
});

test("an abort ends the wait, leaves no timer, and nothing is owed for what did not pass", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  pace.rate = MIB;
  void pace.take(1, never);
  const stop = new AbortController();
  const { ended } = readThrough(pace, () => CHUNK.length, stop.signal);
  await settled();
  stop.abort(new Error("stop now"));
  await expect(ended).rejects.toThrow("stop now");
  expect(clock.waiting).toBe(0);
  await clock.pass(1_000);
  expect(pace.take(1, never)).toBeUndefined();
});

test("a rate that would stand still for ever is refused", () => {
  const pace = new Pace(new TestClock());
  for (const rate of [0, -1, Number.NaN]) expect(() => (pace.rate = rate)).toThrow("a pace of");
});

test("in no span of time passes more than the rates, a tenth of a second and a chunk allow", async () => {
  const chunk = 64 * KIB;
  const step = fc.record({
    rate: fc.option(fc.integer({ min: KIB, max: 4 * MIB }), { freq: 12, nil: undefined }),
    ms: fc.integer({ min: 0, max: 400 }),
    lateMs: fc.integer({ min: 0, max: 5 }),
    isIdle: fc.boolean(),
  });
  const sizes = fc.array(fc.integer({ min: KIB, max: chunk }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), sizes, async (steps, all) => {
      const clock = new TestClock();
      const pace = new Pace(clock);
      const meter = new Meter(clock);
      const stop = new AbortController();
      let taken = 0;
      let busy = Promise.withResolvers<void>();
      const next = async (): Promise<number> => {
        await busy.promise;
        return all[taken++ % all.length] ?? KIB;
      };
      readThrough(pace, next, stop.signal, meter);
      for (const { rate, ms, lateMs, isIdle } of steps) {
        meter.rate = rate;
        pace.rate = rate;
        if (isIdle) busy = Promise.withResolvers();
        else busy.resolve();
        await clock.pass(ms, lateMs);
      }
      stop.abort();
      const fastest = Math.max(...steps.map(({ rate }) => rate ?? 0));
      expect(meter.highest).toBeLessThanOrEqual(fastest / 10 + chunk);
    }),
    { numRuns: 60 },
  );
});

/**
 * Fills with what passes and drains at the rate: never higher than X means that in no span of time
 * more has passed than the rate allows and X. Without a rate it is empty.
 */
class Meter {
  highest = 0;
  readonly #clock: Clock;
  #level = 0;
  #atMs = 0;
  #rate: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set rate(rate: number | undefined) {
    this.#drain();
    this.#rate = rate;
  }

  add(bytes: number): void {
    this.#drain();
    if (this.#rate !== undefined) this.#level += bytes;
    this.highest = Math.max(this.highest, this.#level);
  }

  #drain(): void {
    const drained =
      ((this.#rate ?? Number.POSITIVE_INFINITY) * (this.#clock.nowMs() - this.#atMs)) / 1000;
    this.#level = Math.max(0, this.#level - (drained || 0));
    this.#atMs = this.#clock.nowMs();
  }
}
