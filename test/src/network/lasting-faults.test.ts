import { beforeAll, describe, expect, test } from "vitest";
import {
  expectCleanStop,
  expectFailedBackup,
  expectFailedRestore,
} from "../faults/expect-failed.ts";
import { FAULT_LIMIT_MS, SHORT_LEASE } from "../faults/story.ts";
import { describeOnNetwork } from "./describe-on-network.ts";
import { createFault } from "./link-fault.ts";
import { createDump, type Dump, LinkStory } from "./link-story.ts";

const signal = AbortSignal.timeout(1_500_000);
/** 169 MB in about seven seconds: more than all that is under way can be. */
const ROWS = 20_000_000;
const RATE = "200mbit";
const STORY_LIMIT_MS = 900_000;

/** Each has a host of its own, called like the fault: all have theirs at one time. */
const FAULTS = [
  ["without a link", "unplugged"],
  ["and nothing comes from the host", "mute"],
  ["and nothing comes to the host", "deaf"],
  ["and the agent stands still", "standing-still"],
] as const;

const hosts = [...FAULTS.map(([, kind]) => kind), "gone", "beside"];
await describeOnNetwork("a fault that is longer than the lease", { hosts }, (stage) => {
  let dump: Dump;
  beforeAll(async () => {
    dump = await createDump(ROWS, signal);
    for (const host of hosts) await stage.network.limitRate(host, RATE, signal);
  }, 300_000);

  const begin = (...names: [string, ...string[]]): Promise<LinkStory> =>
    LinkStory.begin(stage, { hosts: names, dump, lease: SHORT_LEASE });

  const expectLost = async (
    command: "backup" | "restore",
    kind: (typeof FAULTS)[number][1],
  ): Promise<void> => {
    const fault = createFault(kind, kind, stage, signal);
    const story = await begin(kind);
    if (command === "restore")
      expect(await story.story.backup(signal)).toMatchObject({ status: 0 });
    await using child = await story.start(command, signal);
    await fault.begin();
    const within = AbortSignal.timeout(FAULT_LIMIT_MS);
    const outcome = await child.outcome;
    within.throwIfAborted();
    // An agent that can do anything cleans up while nobody can reach it.
    if (kind === "standing-still") await fault.end();
    const expectFailed = command === "backup" ? expectFailedBackup : expectFailedRestore;
    await expectFailed(story.story, outcome, lost(kind));
    await story.expectNoFalseEnd();
    await fault.end();
  };

  describe.concurrent("the run fails with the host's name, and leaves nothing, there and back,", () => {
    test.each(FAULTS)(
      "%s",
      async (_, kind) => {
        await expectLost("backup", kind);
        await expectLost("restore", kind);
      },
      STORY_LIMIT_MS,
    );

    test(
      "and the other hosts are clean before the one that is gone can be",
      async () => {
        const fault = createFault("standing-still", "gone", stage, signal);
        const story = await begin("gone", "beside");
        await using child = await story.start("backup", signal);
        await fault.begin();
        const within = AbortSignal.timeout(FAULT_LIMIT_MS);
        const outcome = await child.outcome;
        await story.story.untilNoTrace(within, [stage.cluster.host("beside")]);
        await fault.end();
        await expectFailedBackup(story.story, outcome, lost("gone"));
      },
      STORY_LIMIT_MS,
    );
  });

  test("after all this the agents stop at once and have nothing to complain of", async () => {
    await expectCleanStop(stage.cluster.hosts);
  });
});

/** The error of a run that has lost this host. */
function lost(host: string): { message: RegExp } {
  const start = `^error: (stream app-${host} of ${host}: )?agent ${host}`;
  return { message: new RegExp(`${start} \\(10\\.\\S+:\\d+\\): .+$`, "m") };
}
