import { type BytesPerSecond, Pace, PenstockError, raceAbort, systemClock } from "@penstock/common";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunReport } from "../runs/report.ts";
import { type PaceSettings, RunPace } from "./pace.ts";
import type { StreamRate, TellRates } from "./pace-stream.ts";

const MIB = 2 ** 20;
const CHUNK = 256 * 1024;
const NOON = "2026-03-14T12:00:00";
const OFF = { run: undefined, host: undefined, stream: undefined };

let stop: AbortController;
beforeEach(() => {
  vi.useFakeTimers({ now: new Date(NOON) });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function createPace(settings: Partial<PaceSettings>): RunPace {
  return new RunPace({ throttle: OFF, windows: [], ...settings });
}

/** Notes what is told. */
function createSender(answer: () => Promise<void> = () => Promise.resolve()) {
  const told: (readonly [string, number | undefined])[][] = [];
  const tell: TellRates = (_, rates) => {
    told.push(rates.map(({ name, rate }) => [name, rate]));
    return answer();
  };
  return { told, tell };
}

const streams = (...names: string[]) => names.map((name) => ({ name, host: name.slice(0, 1) }));

/**
 * A stream with a tool that writes so many bytes per second, a real pace and a mover that reports;
 * as it is in a run, but for the way between.
 */
function startStream(name: string, report: (report: RunReport) => void, speed: BytesPerSecond) {
  const pace = new Pace();
  const stream = { name, host: name.slice(0, 1), pace, bytes: 0 };
  const writes = async (): Promise<void> => {
    for (let begunMs = performance.now(); !stop.signal.aborted; ) {
      begunMs = Math.max(begunMs + (CHUNK * 1000) / speed, performance.now() - 100);
      const waitMs = begunMs - performance.now();
      if (waitMs > 0) await passed(waitMs);
      await pace.take(CHUNK, stop.signal);
      stream.bytes += CHUNK;
    }
  };
  writes().catch(() => {}); // it is stopped
  const reports = setInterval(() => {
    report({
      event: "stream",
      stream: name,
      host: stream.host,
      state: "flowing",
      bytes: stream.bytes,
    });
  }, 200);
  stop.signal.addEventListener("abort", () => clearInterval(reports));
  return stream;
}

async function passed(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = systemClock.after(ms, resolve);
  await raceAbort(promise, stop.signal);
}

/** A run of streams with these speeds: begins them, and returns what each has moved in a time. */
async function startRun(pace: RunPace, speeds: Readonly<Record<string, BytesPerSecond>>) {
  const report = pace.follow(() => {});
  const paces = new Map<string, Pace>();
  const tell = (_: string, rates: readonly StreamRate[]): Promise<void> => {
    for (const { name, rate } of rates) {
      const own = paces.get(name);
      if (own !== undefined) own.rate = rate;
    }
    return Promise.resolve();
  };
  const started = Object.entries(speeds).map(([name, speed]) => startStream(name, report, speed));
  for (const { name, pace: own } of started) paces.set(name, own);
  await pace.begin({ streams: started, tell }, stop.signal);
  return async (ms: number): Promise<number[]> => {
    const before = started.map(({ bytes }) => bytes);
    await vi.advanceTimersByTimeAsync(ms);
    return started.map(({ bytes }, index) => ((bytes - (before[index] ?? 0)) * 1000) / ms);
  };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const FAST = 400 * MIB;

test("a run that is not limited tells nobody anything, and no timer works", async () => {
  const pace = createPace({});
  const { tell, told } = createSender();
  await pace.begin({ streams: streams("a1", "b1"), tell }, stop.signal);
  expect(pace.rate).toBeUndefined();
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("every stream has its pace before its tool may start, in one call for each host", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const { tell, told } = createSender();
  await pace.begin({ streams: streams("a1", "b1", "a2", "b2"), tell }, stop.signal);
  expect(told).toEqual([
    [
      ["a1", 10],
      ["a2", 10],
    ],
    [
      ["b1", 10],
      ["b2", 10],
    ],
  ]);
  expect(pace.rateOf("a1")).toBe(10);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(2);
});

test("a sender that does not answer is asked again, by one call at a time", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const pending = [...answers];
  const { tell, told } = createSender(() => pending.shift()?.promise ?? Promise.resolve());
  const begun = pace.begin({ streams: streams("a1"), tell }, stop.signal);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toHaveLength(1);
  answers[0]?.reject(new PenstockError("unreachable", "agent a: it does not answer"));
  await vi.advanceTimersByTimeAsync(300);
  expect(told).toHaveLength(2);
  answers[1]?.resolve();
  await begun;
});

test("a sender that refuses ends the beginning with its words", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const refuses = (): Promise<void> => Promise.reject(new PenstockError("failed", "not I"));
  const { tell } = createSender(refuses);
  await expect(pace.begin({ streams: streams("a1"), tell }, stop.signal)).rejects.toThrow("not I");
});

test("a sender that refuses while the run goes on is warned of once, and is asked again", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const warnings: RunReport[] = [];
  pace.reportTo((report) => warnings.push(report));
  let refuses = false;
  const { tell, told } = createSender(() =>
    refuses ? Promise.reject(new PenstockError("failed", "not I")) : Promise.resolve(),
  );
  await pace.begin({ streams: streams("a1", "a2"), tell }, stop.signal);
  refuses = true;
  pace.setRate(80);
  await vi.advanceTimersByTimeAsync(2_000);
  const message = "the throttle does not hold on host a: not I";
  expect(warnings).toEqual([{ event: "warning", message }]);
  refuses = false;
  await vi.advanceTimersByTimeAsync(300);
  expect(told.at(-1)).toEqual([
    ["a1", 40],
    ["a2", 40],
  ]);
});

test("what is refused because the run ends is no warning", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const warnings: RunReport[] = [];
  pace.reportTo((report) => warnings.push(report));
  const answers = [Promise.resolve(), raceAbort(new Promise<void>(() => {}), stop.signal)];
  const { tell } = createSender(() => answers.shift() ?? Promise.resolve());
  await pace.begin({ streams: streams("a1"), tell }, stop.signal);
  pace.setRate(80);
  stop.abort(new Error("stop now"));
  await vi.advanceTimersByTimeAsync(300);
  expect(warnings).toEqual([]);
});

test("an abort ends the beginning, and the streams are no longer paced", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const { tell } = createSender(() => new Promise(() => {}));
  const begun = pace.begin({ streams: streams("a1"), tell }, stop.signal);
  stop.abort(new Error("stop now"));
  await expect(begun).rejects.toThrow("stop now");
  expect(vi.getTimerCount()).toBe(0);
  await expect(pace.begin({ streams: streams("a2"), tell }, stop.signal)).rejects.toThrow(
    "stop now",
  );
});

test("streams that another process has paced are told, also that there is no limit", async () => {
  const pace = createPace({});
  const { tell, told } = createSender();
  await pace.begin({ streams: streams("a1"), mayHavePace: true, tell }, stop.signal);
  expect(told).toEqual([[["a1", undefined]]]);
});

test.each([10 * MIB, 200 * MIB])(
  "%d bytes/s over ten seconds is right within 5 %, for one stream and for four",
  async (rate) => {
    const one = await startRun(createPace({ throttle: { ...OFF, run: rate } }), { a1: FAST });
    const four = await startRun(createPace({ throttle: { ...OFF, run: rate } }), {
      b1: FAST,
      b2: FAST,
      c1: FAST,
      c2: FAST,
    });
    const singles = await one(10_000);
    expect(Math.abs(sum(singles) / rate - 1)).toBeLessThan(0.05);
    const fours = await four(10_000);
    expect(Math.abs(sum(fours) / rate - 1)).toBeLessThan(0.05);
    for (const share of fours) expect(Math.abs(share / (rate / 4) - 1)).toBeLessThan(0.1);
  },
);

test("what slow and idle streams leave goes to the others, and a limit of the run is never exceeded", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 * MIB } });
  const speeds = { a1: FAST, a2: FAST, b1: 4 * MIB, b2: 1 };
  const moved = await startRun(pace, speeds);
  await moved(3_000); // until all is known of all
  const [a1 = 0, a2 = 0, b1 = 0] = await moved(10_000);
  expect(b1).toBeGreaterThan(3.8 * MIB);
  expect(Math.abs(a1 / a2 - 1)).toBeLessThan(0.1);
  expect(a1 + a2 + b1).toBeGreaterThan(37 * MIB);
  expect(a1 + a2 + b1).toBeLessThan(40.5 * MIB);
});

test("a host's limit holds for its streams together, beside the run's", async () => {
  const throttle = { run: 40 * MIB, host: 10 * MIB, stream: undefined };
  const moved = await startRun(createPace({ throttle }), { a1: FAST, a2: FAST, b1: FAST });
  const [a1 = 0, a2 = 0, b1 = 0] = await moved(10_000);
  for (const host of [a1 + a2, b1]) expect(Math.abs(host / (10 * MIB) - 1)).toBeLessThan(0.05);
});

test("a person's word holds at once, in both directions", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 10 * MIB } });
  const moved = await startRun(pace, { a1: FAST, a2: FAST });
  await moved(5_000);
  pace.setRate(undefined);
  expect(pace.rate).toBeUndefined();
  expect(sum(await moved(1_000))).toBeGreaterThan(700 * MIB);
  pace.setRate(20 * MIB);
  expect(pace.rate).toBe(20 * MIB);
  expect(sum(await moved(5_000))).toBeLessThan(21.5 * MIB);
});

test("the time of day sets the run's rate, until a person does", async () => {
  const windows = [
    { from: "12:01", to: "12:02", rate: 20 },
    { from: "12:02", to: "12:03", rate: undefined },
  ];
  const pace = createPace({ throttle: { ...OFF, run: undefined }, windows });
  const { tell, told } = createSender();
  await pace.begin({ streams: streams("a1"), tell }, stop.signal);
  const latest = (): number | undefined => told.at(-1)?.[0]?.[1];
  expect(told).toEqual([]);
  const at = async (time: string): Promise<unknown> => {
    vi.setSystemTime(`2026-03-14T${time}`);
    await vi.advanceTimersByTimeAsync(10_000);
    return [pace.rate, latest()];
  };
  expect(await at("12:01:00")).toEqual([20, 20]);
  expect(await at("12:02:00")).toEqual([undefined, undefined]);
  pace.setRate(30);
  expect(await at("12:01:00")).toEqual([30, 30]);
});

test("streams that have ended no longer count, and after the last one nothing is done", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const { tell, told } = createSender();
  const seen: RunReport[] = [];
  const report = pace.follow((each) => seen.push(each));
  await pace.begin({ streams: streams("a1", "a2"), tell }, stop.signal);
  const ends = (stream: string): void =>
    report({ event: "stream", stream, host: "a", state: "done", bytes: 7 });
  ends("a1");
  await vi.advanceTimersByTimeAsync(300);
  expect(told.at(-1)).toEqual([["a2", 40]]);
  ends("a2");
  expect(vi.getTimerCount()).toBe(0);
  expect(seen).toHaveLength(2);
});

test("disposing ends everything", async () => {
  const pace = createPace({ throttle: { ...OFF, run: 40 } });
  const { tell } = createSender();
  await pace.begin({ streams: streams("a1"), tell }, stop.signal);
  pace[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});
