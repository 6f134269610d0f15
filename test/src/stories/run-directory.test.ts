import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { untilNone } from "../harness/until.ts";
import { expectFailure, openStage } from "./stage.ts";
import { ENDLESS, WatchedPlan } from "./watched-plan.ts";

const stage = openStage({ hosts: ["sdw1", "sdw2"] });
const nightly = new WatchedPlan(stage);

test("a controller that is stopped does not hang who asks: it does not answer", async () => {
  await nightly.configure(ENDLESS, { lease: "5m" }); // it is stopped for as long as two commands take
  await using backup = await nightly.startFlowing();
  const set = await nightly.setOf(backup);
  backup.kill("SIGSTOP");
  const words = [`run ${set} (process ${backup.pid}) does not answer`, "hint: "];
  expectFailure(await stage.penstock("status"), 6, words);
  expectFailure(await stage.penstock("cancel", "nightly"), 6, words);
  backup.kill("SIGCONT");
  await stage.ok("cancel", set);
  expect(await backup.outcome).toMatchObject({ status: 130 });
});

test("the socket that a killed controller has left is no run, and the next run is not disturbed", async () => {
  await nightly.configure(ENDLESS, { lease: "4s" });
  await using killed = await nightly.startFlowing();
  killed.kill("SIGKILL");
  await killed.outcome;
  expect(await nightly.status()).toEqual([]);
  await untilNone(() => stage.cluster.leftOvers(), stage.signal);
  await nightly.configure("head -c 1M /dev/zero > {root}/{set}/app.pipe");
  await stage.backup("nightly");
});

test("a run directory whose path is longer than a socket's address can be serves all the same", async () => {
  await nightly.configure(ENDLESS);
  await inDirectory(join(stage.dir, "long".repeat(40)));
  await using backup = await nightly.startFlowing();
  expect(await nightly.status()).toMatchObject([{ plan: "nightly", pid: backup.pid }]);
  await stage.ok("cancel", "nightly");
  expect(await backup.outcome).toMatchObject({ status: 130 });
});

test("a restore waits for a name of its own, if others of the set have begun in the same second", async () => {
  const dump = "head -c 1M /dev/zero > {root}/{set}/app.pipe";
  await nightly.configure(dump, {}, "cat {root}/{set}/app.pipe > /dev/null");
  const { set, cluster } = await stage.backup("nightly");
  const taken = Array.from({ length: 4 }, (_, s) => nameOfSecond(Date.now() + s * 1000));
  for (const second of taken) {
    await mkdir(join(stage.cluster.runDirectory, "runs", `${cluster}.restore-${set}-${second}`));
  }
  await stage.ok("restore", "nightly", "--set", set);
});

test("without a run directory that can be written to a backup warns and goes on", async () => {
  await nightly.configure("head -c 1M /dev/zero > {root}/{set}/app.pipe");
  const file = join(stage.dir, "file");
  await writeFile(file, "");
  await inDirectory(join(file, "below"));
  const outcome = await stage.penstock("backup", "nightly");
  expect(outcome).toMatchObject({ status: 0 });
  expect(outcome.stderr).toMatch(/^warning: run directory .*: this run has no status, no log/m);
  expect(outcome.stderr).toContain("set runDirectory: in the configuration");
});

/** Of a moment: YYYYMMDDhhmmss, UTC. */
function nameOfSecond(ms: number): string {
  return new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14);
}

/** Changes `runDirectory` in the configuration. */
async function inDirectory(path: string): Promise<void> {
  const { configFile } = stage.cluster;
  const change = ["-i", `s|^runDirectory: .*|runDirectory: ${path}|`, configFile];
  expect(await run("sed", change, {}, stage.signal)).toMatchObject({ status: 0 });
}
