import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { Wire } from "../harness/wire.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailure } from "./expect-failed.ts";
import { halves, heldUntil, KilledBackup, pieces } from "./killed-backup.ts";
import { CLEAN_LIMIT_MS, FILE_LIMIT_MS, SHORT_LEASE, type StoryOptions } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });

let digest: string;
beforeAll(async () => {
  const { stdout } = await run("sh", ["-c", `{ ${pieces(":")}; } | sha256sum`], {}, signal);
  digest = stdout.slice(0, 64);
});

function begin(name: string, script: string, options: Partial<StoryOptions> = {}) {
  return KilledBackup.begin(stage, name, script, options, signal);
}

async function list(): Promise<{ set: string; status: string }[]> {
  const { stdout } = await stage.cluster.penstock(["list", "-o", "json"], signal);
  return JSON.parse(stdout);
}

describe("a backup that was taken up keeps what the dead controller had finished when", () => {
  const flag = (name: string): string => join(stage.dir, `${name}.flag`);
  const onlySdw2 = (script: string): string => `case "$STORY_HOST" in *sdw2*) ${script};; esac`;
  const flowing = /"stream":"app-sdw2".*"state":"flowing"/;

  test("its tool fails after all", async () => {
    const failing = `while [ ! -e '${flag("fails")}' ]; do seq 1000; sleep 0.1; done; exit 3`;
    const backup = await begin("fails", `${pieces(":")}; ${onlySdw2(failing)}`);
    await using command = await backup.start();
    const set = await backup.killAfter(command, "app-sdw1");
    await using heir = await backup.startResume(set);
    await heir.stdout.waitFor(flowing, signal);
    await writeFile(flag("fails"), "");
    expectFailure(await heir.outcome, { message: /^error: .*sdw2.* exit(ed with)? status 3/m });
    await backup.expectFailed(set, ["app-sdw1"]);
  });

  test("it is cancelled", async () => {
    const backup = await begin("cancelled", `${pieces(":")}; ${onlySdw2("sleep 1000")}`);
    await using command = await backup.start();
    const set = await backup.killAfter(command, "app-sdw1");
    await using heir = await backup.startResume(set);
    await heir.stdout.waitFor(/"stream":"app-sdw2".*"state":"attached"/, signal);
    heir.kill("SIGINT");
    const message = /^error: cancelled by SIGINT$/m;
    expectFailure(await heir.outcome, { status: 130, message });
    await backup.expectFailed(set, ["app-sdw1"]);
  });
});

test("while its agents cannot be reached no other command ends what can be taken up", async () => {
  const [sdw1, sdw2] = ["sdw1", "sdw2"].map((name) => stage.cluster.host(name).address);
  await using one = await Wire.start(sdw1 ?? "");
  await using two = await Wire.start(sdw2 ?? "");
  const half = join(stage.dir, "unreachable.flag");
  const options = { network: { sdw1: one, sdw2: two } };
  const backup = await begin("unreachable", halves(half), options);
  await using command = await backup.story.startFlowing("backup", signal);
  const set = await backup.kill(command);
  await writeFile(half, "");
  for (const wires of [[one, two], [two]]) {
    for (const wire of wires) wire.takeDown();
    expect(await list()).toMatchObject([{ set }]);
    for (const wire of wires) wire.bringUp();
    expect(await backup.story.storedFiles()).not.toContainEqual(expect.stringMatching(/failed/));
    await readFile(backup.journalOf(set));
  }
  expect(await backup.resume(set)).toMatchObject({ status: 0 });
  await backup.expectWhole(set, digest);
});

/** On two targets, so that there is a moment between the first manifest and the last. */
async function beginOnTwo(name: string, script: string, settings: StoryOptions["settings"] = {}) {
  const options = { settings: { targets: ["local", "second"], ...settings } };
  const backup = await begin(name, script, options);
  const text = await readFile(stage.cluster.configFile, "utf8");
  const { store } = backup.story;
  const second = `targets:\n  second:\n    url: file://${store}-second\n`;
  await writeFile(stage.cluster.configFile, text.replace(/^targets:\n/m, second));
  return { backup, stores: [store, `${store}-second`] };
}

/** The names of the documents that say how a set has ended; also those that are half-written. */
async function endings(store: string): Promise<string[]> {
  const names = await readdir(store, { recursive: true });
  return names.filter((name) => /(manifest|failed)\.json$|\.partial/.test(name)).sort();
}

describe("a controller that is killed at the very end leaves a set that is whole or failed:", () => {
  const manifestOf = (set: string): string => `${CLUSTER_NAME}/${set}/manifest.json`;

  test.each([
    ["taken up", ["app-sdw1"], "received", 0],
    ["taken up", ["app-sdw1", "app-sdw2"], "received", 0],
    ["taken up", ["app-sdw1", "app-sdw2"], "done", 0],
    ["taken up", ["app-sdw1", "app-sdw2"], "done", 5],
    ["taken up", ["app-sdw1", "app-sdw2"], "done", 20],
    ["given up", ["app-sdw1", "app-sdw2"], "received", 0],
    ["given up", ["app-sdw1", "app-sdw2"], "done", 5],
  ])("%s after %j were %s, %i ms later", async (what, streams, state, later) => {
    // What a controller leaves that is killed after its commit is removed when the lease is over.
    const settings = { lease: what === "given up" ? SHORT_LEASE : "20s" };
    const { backup, stores } = await beginOnTwo("end", pieces(":"), settings);
    await using command = await backup.start();
    const set = await backup.setOf(command);
    for (const stream of streams) {
      const seen = new RegExp(`"stream":"${stream}"[^\\n]*"state":"${state}"`);
      await command.stdout.waitFor(seen, signal);
    }
    const seenAt = performance.now();
    while (performance.now() < seenAt + later); // no timer is as exact
    await backup.kill(command);
    if (what === "taken up") {
      expect([0, 7]).toContain((await backup.resume(set)).status); // 7: it had ended
      await backup.expectWhole(set, digest);
    }
    await backup.story.untilNoTrace(AbortSignal.timeout(CLEAN_LIMIT_MS));
    const listed = (await list()).map(({ status }) => status);
    expect([
      ["committed", "committed"],
      ...(what === "taken up" ? [] : [["failed", "failed"]]),
    ]).toContainEqual(listed);
    const [ending] = listed[0] === "committed" ? ["manifest.json"] : ["failed.json"];
    for (const store of stores)
      expect(await endings(store)).toEqual([`${CLUSTER_NAME}/${set}/${ending}`]);
  });

  describe("what only one target knows is completed by", () => {
    let backup: KilledBackup;
    let stores: readonly string[];
    let set: string;
    let journal: string;
    beforeAll(async () => {
      const go = join(stage.dir, "commit.flag");
      ({ backup, stores } = await beginOnTwo("commit", `${heldUntil(go)}; ${pieces(":")}`));
      await using command = await backup.start();
      set = await backup.setOf(command);
      journal = await readFile(backup.journalOf(set), "utf8");
      await writeFile(go, "");
      expect(await command.outcome).toMatchObject({ status: 0 });
    });

    test.each([
      ["--resume", 0],
      ["--resume", 1],
      ["list", 0],
      ["list", 1],
    ])("%s (target %i)", async (what, index) => {
      // As it would be, had it been killed before its last steps.
      const manifests = stores.map((store) => join(store, manifestOf(set)));
      const body = await readFile(manifests[index] ?? "");
      await writeFile(backup.journalOf(set), journal, { mode: 0o600 });
      await rm(manifests[1 - index] ?? "");
      for (const store of stores) {
        const left = join(store, ".partial", `${CLUSTER_NAME}.${set}`, "dead");
        await mkdir(left, { recursive: true });
        await writeFile(join(left, "0.half"), "half");
      }
      const args = what === "list" ? ["list"] : ["backup", "--resume", set];
      expect(await stage.cluster.penstock(args, signal)).toMatchObject({ status: 0 });
      for (const store of stores) {
        expect(await endings(store)).toEqual([manifestOf(set)]);
        expect((await readFile(join(store, manifestOf(set)))).equals(body)).toBe(true);
      }
      await backup.expectWhole(set, digest);
      expect(await backup.resume(set)).toMatchObject({ status: 7 });
    });
  });
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
