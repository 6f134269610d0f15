import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Child, run } from "../harness/child.ts";
import { Wire } from "../harness/wire.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailedBackup } from "./expect-failed.ts";
import { FILE_LIMIT_MS, SHORT_LEASE, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1"] });
const ROWS = "seq 1 4000000";
let digest: string;
beforeAll(async () => {
  digest = (await run("sh", ["-c", `${ROWS} | sha256sum`], {}, signal)).stdout.slice(0, 64);
});

/** Little by little, for a quarter of a minute at least, until the file is there; then at once. */
const slowlyUntil = (file: string): string =>
  `until [ -e '${file}' ]; do head -c 128K; sleep 0.05; done; cat`;

describe("a stream goes on where it was, and is whole, when its connection breaks again and again", () => {
  test("in a backup", async () => {
    await using wire = await Wire.start(stage.cluster.host("sdw1").address);
    const go = join(stage.dir, "go-backup");
    const backup = `${ROWS} | { ${slowlyUntil(go)}; } > "$1"`;
    const story = await Story.begin(stage.cluster, { backup, network: { sdw1: wire } });
    await using command = await story.startFlowing("backup", signal);
    await cutAgainAndAgain(4, wire, command);
    await writeFile(go, "");
    const { status, stdout } = await command.outcome;
    expect(status).toBe(0);
    const { streams } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    const reconnects = stdout.split('"event":"reconnect"').length - 1;
    expect(reconnects).toBeGreaterThanOrEqual(4); // a machine that stands still breaks it once more
    expect(streams).toMatchObject([{ name: "app-sdw1", reconnects, sha256Raw: digest }]);
    expect(await story.digestOf("app-sdw1")).toBe(digest);
    const { stdout: log } = await stage.penstock("logs", "LATEST");
    expect(log).toMatch(/WARN {2}sdw1 app-sdw1 connection lost and found again cause=/);
    expect(log).toMatch(/INFO {2}sdw1 app-sdw1 mover has called again$/m);
  });

  test("in a restore", async () => {
    await using wire = await Wire.start(stage.cluster.host("sdw1").address);
    const story = await Story.begin(stage.cluster, { backup: `${ROWS} > "$1"` });
    expect(await story.backup(signal)).toMatchObject({ status: 0 });
    const [go, out] = [join(stage.dir, "go-restore"), join(stage.dir, "out")];
    const restore = `{ ${slowlyUntil(go)}; } < "$1" | sha256sum > '${out}'`;
    await story.change({ backup: "exit 1", restore, network: { sdw1: wire } });
    await using command = await story.startFlowing("restore", signal);
    await cutAgainAndAgain(2, wire, command);
    await writeFile(go, "");
    expect(await command.outcome).toMatchObject({ status: 0 });
    expect(await readFile(out, "utf8")).toContain(digest);
  });
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
  const [beforeItFlows] = stdout.split('"state":"flowing"');
  expect(beforeItFlows).not.toContain('"event":"reconnect"');
  const { streams } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  const reconnects = stdout.split('"event":"reconnect"').length - 1;
  expect(streams).toMatchObject([{ name: "app-sdw1", reconnects, sha256Raw: digest }]);
});

test("a network that stays away for longer than the lease fails the run, and the agent cleans up by itself", async () => {
  await using wire = await Wire.start(stage.cluster.host("sdw1").address);
  const backup = `while ${ROWS}; do sleep 0.1; done > "$1"`;
  const settings = { lease: SHORT_LEASE };
  const story = await Story.begin(stage.cluster, { backup, settings, network: { sdw1: wire } });
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
