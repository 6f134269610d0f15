import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { run } from "../harness/child.ts";
import { SmallDisk } from "../harness/small-disk.ts";
import { openStage } from "../stories/stage.ts";
import { expectFailedBackup, expectFailure } from "./expect-failed.ts";
import { FILE_LIMIT_MS, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });
const CONTROLLER = join(import.meta.dirname, "../../../packages/controller/src/main.ts");
/** Writes for ever, with pauses. */
const ENDLESS = `while head -c 1M /dev/zero; do sleep 0.1; done > "$1"`;

test("a full disk fails the run, and nothing half-written stays on it", async (context) => {
  const folder = join(stage.dir, "disk");
  await using disk = await SmallDisk.mount(folder, 8, signal);
  if (disk === undefined) return context.skip("this user may not mount anything");
  const places = { store: join(folder, "store"), view: join(disk.view, "store") };
  const story = await Story.begin(stage.cluster, { backup: ENDLESS, ...places });
  const [program = "", ...prefix] = disk.prefix;
  const penstock = [process.execPath, "--conditions=source", CONTROLLER, "backup", "nightly"];
  const args = [...prefix, ...penstock, "--config", stage.cluster.configFile];
  const outcome = await run(program, args, {}, signal);
  const message = /^error: stream app-(sdw[12]) of \1: write file:\/\/.*\/app-\1.*: disk full$/m;
  await expectFailedBackup(story, outcome, { message });
});

test("a target that goes away in mid-run fails the run", async () => {
  const go = join(stage.dir, "go");
  const wait = `until [ -e '${go}' ]; do sleep 0.1; done`;
  const story = await Story.begin(stage.cluster, {
    backup: `{ head -c 4M /dev/zero; ${wait}; } > "$1"`,
  });
  await using command = await story.startFlowing("backup", signal);
  await rm(story.store, { recursive: true });
  await writeFile(go, "");
  const message =
    /^error: stream app-(sdw[12]) of \1: commit file:\/\/.*\/app-\1.*no such file.*$/m;
  await expectFailedBackup(story, await command.outcome, { message });
});

test("a target that cannot be written to keeps the run from beginning", async () => {
  const story = await Story.begin(stage.cluster, { backup: ENDLESS });
  await obstruct(story.store);
  const message = new RegExp(`^error: .* file://${story.store}.*: (ENOTDIR|EACCES): .*$`, "m");
  expectFailure(await story.backup(signal), { status: 6, message });
  await story.untilNoTrace(signal);
});

/** Root may write anywhere, but not below a file. */
async function obstruct(folder: string): Promise<void> {
  if (process.getuid?.() === 0) return await writeFile(folder, "");
  await mkdir(folder);
  await chmod(folder, 0o555);
}
