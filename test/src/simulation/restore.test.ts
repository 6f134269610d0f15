import { expect, test } from "vitest";
import { simulateRestore } from "./restore.ts";
import { runSeeds, seedsFrom } from "./simulate.ts";

const FILE = "test/src/simulation/restore.test.ts";
const LIMIT_MS = 300_000;

test(
  "the consumer of a restore sees every byte and an end, or no end, whatever breaks and whoever dies",
  async () => {
    const seeds = seedsFrom(process.env);
    const { complete, absent } = await runSeeds(simulateRestore, seeds, FILE);
    if (seeds.count < 1_000) return;
    expect(complete).toBeGreaterThan(seeds.count / 4);
    expect(absent).toBeGreaterThan(seeds.count / 10);
  },
  LIMIT_MS,
);
