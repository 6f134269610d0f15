import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Child, run } from "../harness/child.ts";
import { Wire } from "../harness/wire.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailedBackup } from "./expect-failed.ts";
import { Story } from "./story.ts";

const signal = AbortSignal.timeout(300_000);
const stage = openStage({ hosts: ["sdw1"] });
/** Takes about three seconds. */
const SLOWLY = `for part in $(seq 1 30); do head -c 1M; sleep 0.1; done`;
const ROWS = "seq 1 4000000";
const settings = { lease: "30s" };
let digest: string;
beforeAll(async () => {
  digest = (await run("sh", ["-c", `${ROWS} | sha256sum`], {}, signal)).stdout.slice(0, 64);
});

describe("a stream goes on where it was, and is whole, when its connection breaks again and again", () => {
  test("in a backup", async () => {
    await using wire = await Wire.start(stage.cluster.host("sdw1").address);
    const backup = `${ROWS} | { ${SLOWLY}; } > "$1"`;
    const story = await Story.begin(stage.cluster, { backup, settings, network: { sdw1: wire } });
    await using command = await story.startFlowing("backup", signal);
    await cutAgainAndAgain(4, wire, command);
    const { status, stdout } = await command.outcome;
    expect(status).toBe(0);
    const { streams } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(streams).toMatchObject([{ name: "app-sdw1", reconnects: 4, sha256Raw: digest }]);
    expect(await story.digestOf("app-sdw1")).toBe(digest);
    const { stdout: log } = await stage.penstock("logs", "LATEST");
    expect(log).toMatch(/WARN {2}sdw1 app-sdw1 connection lost and found again cause=/);
    expect(log).toMatch(/INFO {2}sdw1 app-sdw1 mover has called again$/m);
  });

  test("in a restore", async () => {
    await using wire = await Wire.start(stage.cluster.host("sdw1").address);
    const story = await Story.begin(stage.cluster, { backup: `${ROWS} > "$1"`, settings });
    expect(await story.backup(signal)).toMatchObject({ status: 0 });
    const out = join(stage.dir, "out");
    const restore = `{ ${SLOWLY}; } < "$1" | sha256sum > '${out}'`;
    await story.change({ backup: "exit 1", restore, settings, network: { sdw1: wire } });
    await using command = await story.startFlowing("restore", signal);
    await cutAgainAndAgain(2, wire, command);
    expect(await command.outcome).toMatchObject({ status: 0 });
    expect(await readFile(out, "utf8")).toContain(digest);
  }, 90_000); // a break that is not noticed at once, see the mover's links, is after 15 s of silence
});

test("a stream whose first connection fails goes on with the next one, and has lost none", async () => {
  await using wire = await Wire.start(stage.cluster.host("sdw1").address);
  wire.breakConnection(2); // the first one is the controller's own
  const story = await Story.begin(stage.cluster, {
    backup: `${ROWS} > "$1"`,
    network: { sdw1: wire },
  });
  await using command = await story.startFlowing("backup", signal);
  const { status, stdout } = await command.outcome;
  expect(status).toBe(0);
  const { streams } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  expect(streams).toMatchObject([{ name: "app-sdw1", reconnects: 0, sha256Raw: digest }]);
});

test("a network that stays away for longer than the lease fails the run, and the agent cleans up by itself", async () => {
  await using wire = await Wire.start(stage.cluster.host("sdw1").address);
  const backup = `while ${ROWS}; do sleep 0.1; done > "$1"`;
  const story = await Story.begin(stage.cluster, { backup, network: { sdw1: wire } });
  await using command = await story.startFlowing("backup", signal);
  wire.takeDown();
  const message = /^error: (stream app-sdw1 of sdw1: )?agent sdw1 \(.+\): .+$/m;
  await expectFailedBackup(story, await command.outcome, { message });
});

/** Each time when the stream has come back and has moved on. */
async function cutAgainAndAgain(times: number, wire: Wire, command: Child): Promise<void> {
  for (let cuts = 1; cuts <= times; cuts++) {
    wire.cut();
    const moved = `"event":"reconnect"[^]*?"state":"flowing"[^]*?`;
    await command.stdout.waitFor(new RegExp(`(?:${moved}){${cuts}}`), signal);
  }
}

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
