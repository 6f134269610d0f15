import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster } from "./harness/cluster.ts";
import { expectFailedBackup } from "./harness/expect-failed.ts";
import { guardChildren } from "./harness/guard-children.ts";
import { findChild } from "./harness/processes.ts";
import { Story, type StoryOptions } from "./harness/story.ts";
import { TempDir } from "./harness/temp-dir.ts";
import { untilFound } from "./harness/until.ts";

guardChildren();
const signal = AbortSignal.timeout(300_000);
let temp: TempDir;
let cluster: Cluster;

beforeAll(async () => {
  temp = await TempDir.create();
  const tools = { sh: "/bin/sh" };
  cluster = await Cluster.start({ dir: temp.path, hosts: ["sdw1", "sdw2"], tools }, signal);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

const begin = (options: StoryOptions): Promise<Story> => Story.begin(cluster, options);

describe("a backup is absent, and says why, when its tool", () => {
  test("exits 1 after it has written everything", async () => {
    const story = await begin({ backup: `seq 1 100000 > "$1"; echo "no good" >&2; exit 1` });
    const message = /^error: .*sh on sdw[12] exited with status 1; it said:\n {2}no good$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
  });

  test("exits 1 before it opens its pipe", async () => {
    const story = await begin({ backup: `echo "no such database" >&2; exit 1` });
    const message = /^error: .*sh on sdw[12] exited with status 1; it said:\n {2}no such database$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
  });

  test("is killed in mid-stream", async () => {
    const backup = `{ head -c 4M /dev/zero; echo "half of it" >&2; exec sleep 1000; } > "$1"`;
    const story = await begin({ backup });
    await using command = await story.startFlowing("backup", signal);
    const agent = cluster.host("sdw1").child.pid;
    const tool = await untilFound(() => findChild(agent, /sleep 1000/), "the tool", signal);
    process.kill(tool, "SIGKILL");
    const message = /^error: sh on sdw1 was killed by SIGKILL; it said:\n {2}half of it$/m;
    await expectFailedBackup(story, await command.outcome, { message });
  });
});
