import { beforeAll, describe, expect, test } from "vitest";
import { expectCleanStop } from "../faults/expect-failed.ts";
import { describeOnNetwork } from "./describe-on-network.ts";
import { createDump, type Dump, LinkStory } from "./link-story.ts";
import { MEMORY_BOUND_BYTES, MemoryWatch } from "./memory-watch.ts";

const signal = AbortSignal.timeout(1_500_000);
/** 97 MB: more than all that is under way can be. */
const ROWS = 12_000_000;
const STORY_LIMIT_MS = 900_000;
const hosts = ["near", "far", "narrow"];

await describeOnNetwork("a link that is long and lossy, or narrow", { hosts }, (stage) => {
  let dump: Dump;
  beforeAll(async () => {
    dump = await createDump(ROWS, signal);
    const { network } = stage;
    await network.delay("near", { rttMs: 20, lossPercent: 1 }, signal);
    await network.delay("far", { rttMs: 80, lossPercent: 1 }, signal);
    await network.limitRate("narrow", "50mbit", signal);
  }, 300_000);

  describe.concurrent("carries a stream there and back, whole, in bounded memory, at", () => {
    test.each([
      ["20 ms round trip and 1 % loss", "near"],
      ["80 ms round trip and 1 % loss", "far"],
      ["50 Mbit/s", "narrow"],
    ])(
      "%s",
      async (_, host) => {
        const story = await LinkStory.begin(stage, { hosts: [host], dump, lease: "60s" });
        using agent = new MemoryWatch(stage.cluster.host(host).child.pid);
        for (const command of ["backup", "restore"] as const) {
          await using child = await story.start(command, signal);
          using controller = new MemoryWatch(child.pid);
          await story.expectWhole(command, await child.outcome, "without breaks", signal);
          expect(agent.growthBytes).toBeLessThan(MEMORY_BOUND_BYTES);
          expect(controller.growthBytes).toBeLessThan(MEMORY_BOUND_BYTES);
        }
      },
      STORY_LIMIT_MS,
    );
  });

  test("after all this the agents stop at once and have nothing to complain of", async () => {
    await expectCleanStop(stage.cluster.hosts);
  });
});
