import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { expectCleanStop } from "../faults/expect-failed.ts";
import { describeOnNetwork } from "./describe-on-network.ts";
import { createFault } from "./link-fault.ts";
import { createDump, type Dump, LinkStory } from "./link-story.ts";

const signal = AbortSignal.timeout(1_500_000);
/** 169 MB in about seven seconds: more than all that is under way can be. */
const ROWS = 20_000_000;
const RATE = "200mbit";
const LEASE = "60s";
const STORY_LIMIT_MS = 900_000;

/** Each has a host of its own, called like the fault: all have theirs at one time. */
const FAULTS = [
  ["10 s without a link", "unplugged", 10_000],
  ["10 s in which nothing comes from the host", "mute", 10_000],
  ["10 s in which nothing comes to the host", "deaf", 10_000],
  ["2 s in which a firewall resets every connection", "resetting", 2_000],
  ["8 s in which the agent stands still", "standing-still", 8_000],
] as const;

const hosts = FAULTS.map(([, kind]) => kind);
await describeOnNetwork("a fault that is shorter than the lease", { hosts }, (stage) => {
  let dump: Dump;
  beforeAll(async () => {
    dump = await createDump(ROWS, signal);
    for (const host of hosts) await stage.network.limitRate(host, RATE, signal);
  }, 300_000);

  describe.concurrent("a stream goes on where it was, there and back, and is whole, after", () => {
    test.each(FAULTS)(
      "%s",
      async (_, kind, lastsMs) => {
        const fault = createFault(kind, kind, stage, signal);
        const story = await LinkStory.begin(stage, { hosts: [kind], dump, lease: LEASE });
        for (const command of ["backup", "restore"] as const) {
          await using child = await story.start(command, signal);
          await fault.begin();
          await delay(lastsMs, undefined, { signal });
          expect(child.isRunning).toBe(true);
          await fault.end();
          await story.expectWhole(command, await child.outcome, "with breaks", signal);
        }
      },
      STORY_LIMIT_MS,
    );
  });

  test("after all this the agents stop at once and have nothing to complain of", async () => {
    await expectCleanStop(stage.cluster.hosts);
  });
});
