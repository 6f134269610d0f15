import { expect, test } from "vitest";
import type { StreamState } from "./report.ts";
import { type Progress, RunStatus, type StreamStatus } from "./run-status.ts";

const MiB = 1024 * 1024;

/** A run whose clock stands still unless it is told. */
class Watched {
  #nowMs = 0;
  readonly status: RunStatus = new RunStatus(() => this.#nowMs);

  stream(name: string, bytes: number, state: StreamState = "flowing"): this {
    this.status.take({ event: "stream", stream: name, host: `host-${name}`, state, bytes });
    return this;
  }

  expect(streams: Readonly<Record<string, number>>): this {
    const bytes = Object.values(streams).reduce((sum, size) => sum + size, 0);
    this.status.take({ event: "expected", bytes, streams });
    return this;
  }

  /** Lets streams flow at these rates, per second, with a report ten times a second. */
  flow(seconds: number, rates: Readonly<Record<string, number>>): this {
    const before = new Map(this.progress.streams.map(({ name, bytes }) => [name, bytes]));
    for (let tenth = 1; tenth <= seconds * 10; tenth++) {
      this.#nowMs += 100;
      for (const [name, rate] of Object.entries(rates)) {
        this.stream(name, (before.get(name) ?? 0) + (rate * tenth) / 10);
      }
    }
    return this;
  }

  wait(seconds: number): this {
    this.#nowMs += seconds * 1000;
    return this;
  }

  get progress(): Progress {
    return this.status.progress();
  }

  of(name: string): StreamStatus {
    const stream = this.progress.streams.find((candidate) => candidate.name === name);
    if (stream === undefined) throw new Error(`no stream ${name}`);
    return stream;
  }

  get stragglers(): string[] {
    return this.progress.streams.filter(({ isStraggler }) => isStraggler).map(({ name }) => name);
  }
}

const watch = (): Watched => new Watched();

test("of nothing there is nothing to say", () => {
  expect(watch().progress).toEqual({
    bytes: 0,
    rate: 0,
    eta: null,
    reconnects: 0,
    warnings: [],
    streams: [],
  });
});

test("rates follow what has been moved, and a stream that stands still comes to none", () => {
  const run = watch().stream("a", 0, "attached").stream("b", 0, "attached");
  run.flow(10, { a: 10 * MiB, b: 2 * MiB });
  expect(run.of("a").rate).toBeCloseTo(10 * MiB, -5);
  expect(run.progress.rate).toBeCloseTo(12 * MiB, -5);
  run.flow(10, { a: 50 * MiB });
  expect(run.of("a").rate).toBeCloseTo(50 * MiB, -5);
  expect(run.of("b").rate).toBe(0);
  expect(run.progress).toMatchObject({ bytes: 620 * MiB });
});

test("after a pause the rate is not that of the pause", () => {
  const run = watch().stream("a", 0).wait(60).flow(5, { a: MiB });
  expect(run.of("a").rate).toBeGreaterThan(0.9 * MiB);
});

test("what is done has no rate, and its bytes never become fewer", () => {
  const run = watch().flow(5, { a: MiB }).stream("a", 0, "done");
  expect(run.of("a")).toMatchObject({ rate: 0, bytes: 5 * MiB, state: "done" });
});

test("without an expectation there is no ETA", () => {
  expect(watch().flow(5, { a: MiB }).progress.eta).toBeNull();
});

test("the ETA is that of the slowest stream", () => {
  const run = watch().expect({ a: 100 * MiB, b: 100 * MiB });
  run.flow(10, { a: 5 * MiB, b: MiB });
  expect(run.of("b").expectedBytes).toBe(100 * MiB);
  expect(run.progress.expectedBytes).toBe(200 * MiB);
  expect(run.progress.eta).toBe(90);
});

test("the ETA is by all bytes where streams are still waiting or are not known", () => {
  const waiting = watch()
    .expect({ a: 100 * MiB, b: 100 * MiB })
    .stream("b", 0, "attached");
  expect(waiting.flow(10, { a: 5 * MiB }).progress.eta).toBe(30);
  const renamed = watch().expect({ old: 100 * MiB });
  expect(renamed.flow(10, { a: 5 * MiB }).progress.eta).toBe(10);
});

test("more than was expected says nothing of the end", () => {
  expect(watch().expect({ a: MiB }).flow(10, { a: MiB }).progress.eta).toBeNull();
});

test("a stream that will end much later than the others is a straggler, one that is only slower is not", () => {
  const sizes = { a: 1000 * MiB, b: 1000 * MiB, small: 100 * MiB };
  const run = watch()
    .expect(sizes)
    .flow(10, { a: 10 * MiB, b: 2 * MiB, small: MiB });
  expect(run.stragglers).toEqual(["b"]);
});

test("the last one on its way is a straggler only if it takes much longer than the others took", () => {
  const run = watch().expect({ a: 100 * MiB, b: 120 * MiB });
  run.flow(100, { a: MiB, b: MiB }).stream("a", 100 * MiB, "done");
  expect(run.stragglers).toEqual([]);
  run.expect({ a: 100 * MiB, b: 300 * MiB });
  expect(run.stragglers).toEqual(["b"]);
});

test("a stream that stands still is a straggler", () => {
  const run = watch().expect({ a: 100 * MiB, b: 100 * MiB });
  run.flow(5, { a: MiB, b: MiB }).flow(6, { a: MiB });
  expect(run.stragglers).toEqual(["b"]);
  expect(run.progress.eta).toBe(184);
});

test("without an expectation a stream that is much slower than the others is a straggler", () => {
  const run = watch().stream("late", 0, "attached");
  run.flow(10, { a: 8 * MiB, b: 8 * MiB, c: MiB, d: 3 * MiB });
  expect(run.stragglers).toEqual(["c"]);
});

test("a stream alone is no straggler", () => {
  expect(watch().flow(10, { a: 1 }).stragglers).toEqual([]);
  expect(
    watch()
      .expect({ a: 100 * MiB })
      .flow(10, { a: 1 }).stragglers,
  ).toEqual([]);
});

test("reconnects are counted by stream and together; of warnings the newest are kept", () => {
  const { status } = watch();
  for (let count = 0; count < 30; count++) {
    status.take({ event: "warning", message: `warning ${count}` });
  }
  for (const stream of ["a", "a", "b"]) {
    status.take({ event: "reconnect", stream, host: "sdw1", cause: "reset" });
  }
  const { warnings, reconnects, streams } = status.progress();
  expect(warnings).toHaveLength(20);
  expect(warnings.at(-1)).toBe("warning 29");
  expect(reconnects).toBe(3);
  expect(streams).toMatchObject([
    { name: "a", reconnects: 2 },
    { name: "b", reconnects: 1 },
  ]);
});
