import fc from "fast-check";
import { expect, test } from "vitest";
import { type Claim, type PaceLimits, shareOut } from "./pace-shares.ts";

const MOST = Number.POSITIVE_INFINITY;
const OFF: PaceLimits = { run: undefined, host: undefined, stream: undefined };
const claims = (host: string, ...demands: number[]): Claim[] =>
  demands.map((demand) => ({ host, demand }));

test("without a limit everybody goes as fast as they can", () => {
  expect(shareOut(OFF, [...claims("a", MOST, 5), ...claims("b", 0)])).toEqual([MOST, MOST, MOST]);
});

test("all that are hungry get the same", () => {
  const limits = { ...OFF, run: 100 };
  expect(shareOut(limits, claims("a", MOST, MOST, MOST, MOST))).toEqual([25, 25, 25, 25]);
  expect(shareOut(limits, [])).toEqual([]);
});

test("what one does not want is shared by those that do", () => {
  expect(shareOut({ ...OFF, run: 100 }, claims("a", 10, MOST, 5, MOST))).toEqual([
    10, 42.5, 5, 42.5,
  ]);
});

test("what nobody wants is there for whoever wants it next", () => {
  expect(shareOut({ ...OFF, run: 100 }, claims("a", 10, 0))).toEqual([55, 45]);
});

test("a host that is full leaves its part of the run to the others", () => {
  const all = [...claims("a", MOST, MOST, MOST), ...claims("b", MOST)];
  expect(shareOut({ run: 100, host: 60, stream: undefined }, all)).toEqual([20, 20, 20, 40]);
  expect(shareOut({ run: 100, host: 30, stream: undefined }, all)).toEqual([10, 10, 10, 30]);
});

test("no stream gets more than its own limit", () => {
  const limits = { run: 100, host: undefined, stream: 20 };
  expect(shareOut(limits, claims("a", MOST, MOST))).toEqual([20, 20]);
  expect(shareOut({ ...OFF, stream: 20 }, claims("a", 0, MOST))).toEqual([20, 20]);
});

const rate = fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined });
const someClaims = fc.array(
  fc.record({
    host: fc.constantFrom("a", "b", "c"),
    demand: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.constant(MOST)),
  }),
  { minLength: 1, maxLength: 12 },
);
const NEARLY = 1 + 1e-9;

test("no limit is exceeded, none is left unused, and nobody has less than a neighbour that wants as little", () => {
  fc.assert(
    fc.property(rate, rate, rate, someClaims, (run, host, stream, all) => {
      fc.pre(run !== undefined || host !== undefined || stream !== undefined);
      const shares = shareOut({ run, host, stream }, all);
      const sum = (of?: string): number =>
        shares.reduce(
          (s, share, i) => s + (of === undefined || all[i]?.host === of ? share : 0),
          0,
        );
      const isFull = (used: number, limit: number | undefined): boolean =>
        limit !== undefined && used * NEARLY >= limit;
      expect(sum()).toBeLessThanOrEqual((run ?? MOST) * NEARLY);
      for (const [index, { host: own, demand }] of all.entries()) {
        const share = shares[index] ?? 0;
        expect(sum(own)).toBeLessThanOrEqual((host ?? MOST) * NEARLY);
        expect(share).toBeLessThanOrEqual((stream ?? MOST) * NEARLY);
        expect(isFull(share, stream) || isFull(sum(own), host) || isFull(sum(), run)).toBe(true);
        const neighbours = shares.filter(
          (_, i) => all[i]?.host === own && (all[i]?.demand ?? 0) <= demand,
        );
        for (const other of neighbours) expect(other).toBeLessThanOrEqual(share * NEARLY);
      }
    }),
    { numRuns: 500 },
  );
});
