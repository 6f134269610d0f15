import { expect, test } from "vitest";
import { PaceDemand } from "./pace-demand.ts";

const MIB = 2 ** 20;

/** A stream that reports every 200 ms, as movers do. */
class Stream {
  readonly demand: PaceDemand = new PaceDemand();
  nowMs = 5_000;
  #bytes = 0;

  /** Moves at this speed for some time, in whole chunks. */
  moves(bytesPerSecond: number, ms: number, chunk = 1): this {
    const begunMs = this.nowMs;
    const before = this.#bytes;
    for (let passed = 200; passed <= ms; passed += 200) {
      this.nowMs = begunMs + passed;
      const moved = (bytesPerSecond * passed) / 1000;
      this.#bytes = before + Math.floor(moved / chunk) * chunk;
      this.demand.report(this.#bytes, this.nowMs);
    }
    return this;
  }

  grant(rate: number): this {
    this.demand.grant(rate, this.nowMs);
    return this;
  }

  stands(ms: number): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 250) this.look();
    return this;
  }

  look(): number {
    return this.demand.at(this.nowMs);
  }
}

test("a stream that has not moved wants nothing", () => {
  expect(new Stream().look()).toBe(0);
  expect(new Stream().grant(MIB).stands(10_000).look()).toBe(0);
});

test("a stream that begins to move wants all it can get, however little it had", () => {
  expect(new Stream().grant(10).stands(5_000).moves(MIB, 200).look()).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test.each([10 * MIB, 200 * MIB])(
  "at %d bytes/s who uses it all wants more, and who uses half does not",
  (rate) => {
    const chunk = 256 * 1024;
    expect(new Stream().grant(rate).moves(rate, 5_000, chunk).look()).toBe(
      Number.POSITIVE_INFINITY,
    );
    const half = new Stream()
      .grant(rate)
      .moves(rate / 2, 5_000, chunk)
      .look();
    expect(half).toBeGreaterThan(rate / 2);
    expect(half).toBeLessThan(rate * 0.75);
  },
);

test("a stream that is so slow that a chunk takes a minute is not taken for an idle one", () => {
  const stream = new Stream().grant(4 * 1024).moves(4 * 1024, 130_000, 256 * 1024);
  expect(stream.stands(50_000).look()).toBe(Number.POSITIVE_INFINITY);
});

test("a stream that pauses is idle after a second, and is judged anew when it goes on", () => {
  const stream = new Stream().grant(100 * MIB).moves(10 * MIB, 3_000);
  expect(stream.look()).toBeLessThan(20 * MIB);
  expect(stream.stands(1_500).look()).toBe(0);
  expect(stream.moves(MIB, 400).look()).toBe(Number.POSITIVE_INFINITY);
});

test("a stream that went without a limit is judged from its first limit on", () => {
  const stream = new Stream().moves(500 * MIB, 5_000);
  expect(stream.look()).toBe(Number.POSITIVE_INFINITY);
  expect(
    stream
      .grant(100 * MIB)
      .moves(10 * MIB, 3_000)
      .look(),
  ).toBeLessThan(20 * MIB);
  expect(
    stream
      .grant(12 * MIB)
      .moves(12 * MIB, 3_000)
      .look(),
  ).toBe(Number.POSITIVE_INFINITY);
});
