import { expect, test } from "vitest";
import { simulateBackup } from "./backup.ts";
import { runSeeds, runWorld, seedsFrom } from "./simulate.ts";

const FILE = "test/src/simulation/backup.test.ts";
const LIMIT_MS = 300_000;

test(
  "a backup is complete and identical, or absent, whatever breaks and whoever dies",
  async () => {
    const seeds = seedsFrom(process.env);
    const { complete, absent } = await runSeeds(simulateBackup, seeds, FILE);
    if (seeds.count < 1_000) return;
    // Neither may be rare: a simulation in which nothing breaks, or all does, shows nothing.
    expect(complete).toBeGreaterThan(seeds.count / 4);
    expect(absent).toBeGreaterThan(seeds.count / 10);
  },
  LIMIT_MS,
);

test("a seed gives the same events each time", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const once = await runWorld(simulateBackup, seed, true);
    const again = await runWorld(simulateBackup, seed, true);
    expect(once.world.trace).not.toEqual([]);
    expect(again.world.trace).toEqual(once.world.trace);
  }
});
