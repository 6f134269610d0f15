import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
} from "./units.ts";

describe("sizes", () => {
  test.each([
    [1_048_576, 2 ** 20],
    ["0", 0],
    ["512", 512],
    ["512B", 512],
    ["8GiB", 8 * 2 ** 30],
    ["64 MiB", 64 * 2 ** 20],
    ["1.5KiB", 1536],
    ["10MB", 10_000_000],
    ["1kB", 1000],
    ["2TiB", 2 * 2 ** 40],
  ])("%j is %d bytes", (input, bytes) => {
    expect(parseSize(input)).toBe(bytes);
  });

  test.each(["k", "K", "KiB"])("%s is a factor of 1024, as for pv and dd", (unit) => {
    expect(parseSize(`3${unit}`)).toBe(3 * 1024);
  });

  test.each([
    "",
    " ",
    "-1",
    "1.",
    ".5",
    "1,5GiB",
    "8Gib",
    "8 gigs",
    "10mb",
    "1e6",
    "0x10",
    "8  GiB",
    "NaN",
    "Infinity",
    "0.1KiB",
    "1.5",
    "9007199254740992",
    "99999999999TiB",
    "12toString",
  ])("%j is refused, with what is allowed", (input) => {
    expect(() => parseSize(input)).toThrow(
      `bad size ${JSON.stringify(input)}; allowed: bytes, or a number with KiB, MiB, GiB or TiB (also k, m, g, t) or with kB, MB, GB or TB, e.g. 64MiB`,
    );
  });

  test("a fraction is exact where floating point is not", () => {
    expect(parseSize("1.1GB")).toBe(1_100_000_000);
    expect(parseSize("4.35MB")).toBe(4_350_000);
  });

  test("a size is printed in its largest whole unit", () => {
    const printed = [0, 1, 1023, 1024, 1536 * 1024, 2 ** 33].map(formatSize);
    expect(printed).toEqual(["0B", "1B", "1023B", "1KiB", "1536KiB", "8GiB"]);
  });

  test("what is printed reads as the same size", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (size) => parseSize(formatSize(size)) === size));
  });
});

describe("rates", () => {
  test.each(["10MiB/s", "10m", "10M", "10m/s", "10 MiB/s", 10_485_760])(
    "%j means what `pv -L10m` means",
    (input) => {
      expect(parseRate(input)).toBe(10 * 2 ** 20);
    },
  );

  test("10MB/s is decimal", () => {
    expect(parseRate("10MB/s")).toBe(10_000_000);
  });

  test("off is no limit", () => {
    expect(parseRate("off")).toBeUndefined();
  });

  test.each([0, "0", 10, "999", "0MiB/s", "10Mbit/s", "10MiB/m", "10MiB/s/s", "/s", "Off", -5])(
    "%j is refused, with what is allowed",
    (input) => {
      expect(() => parseRate(input)).toThrow(
        `bad rate ${JSON.stringify(input)}; allowed: off, or bytes per second as a size with or without /s, e.g. 10MiB/s or 10m`,
      );
    },
  );

  test("what is printed reads as the same rate", () => {
    const rate = fc.option(fc.integer({ min: 1 }), { nil: undefined });
    fc.assert(fc.property(rate, (value) => parseRate(formatRate(value)) === value));
    expect(formatRate(undefined)).toBe("off");
    expect(formatRate(10 * 2 ** 20)).toBe("10MiB/s");
  });
});

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["0s", 0],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["1.5s", 1500],
    ["24h", 86_400_000],
  ])("%s is %d ms", (input, milliseconds) => {
    expect(parseDuration(input)).toBe(milliseconds);
  });

  test.each([30, "30", "", "1d", "-1s", "1h30m", "0.0001s", "30S", "597h", "1e3s"])(
    "%j is refused, with what is allowed",
    (input) => {
      expect(() => parseDuration(input)).toThrow(
        `bad duration ${JSON.stringify(input)}; allowed: a number with ms, s, m or h, at most 24 days, e.g. 30s`,
      );
    },
  );

  test("the longest one still fits into a timer", () => {
    expect(parseDuration("2147483647ms")).toBe(2 ** 31 - 1);
    expect(() => parseDuration("2147483648ms")).toThrow("bad duration");
  });

  test("what is printed reads as the same duration", () => {
    const duration = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(fc.property(duration, (value) => parseDuration(formatDuration(value)) === value));
    expect([0, 999, 30_000, 90_000, 5_400_000, 7_200_000].map(formatDuration)).toEqual([
      "0ms",
      "999ms",
      "30s",
      "90s",
      "90m",
      "2h",
    ]);
  });
});

test("a wrong value is escaped and cut, and the error is one of usage", () => {
  const long = `\n${"x".repeat(1000)}`;
  expect(() => parseSize(long)).toThrow(
    expect.objectContaining({
      code: "usage",
      message: expect.stringMatching(/^bad size "\\nx{199}…"; allowed: /),
    }),
  );
});
