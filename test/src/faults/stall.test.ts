import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { residentBytes, untilIdle } from "../harness/processes.ts";
import { openStage } from "../stories/stage.ts";
import { FILE_LIMIT_MS, Story } from "./story.ts";

const MIB = 2 ** 20;
const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1"] });

/** Twice of what the bound allows. */
const DUMP_BYTES = 384 * MIB;
/**
 * What one stream may add to a process: a replay buffer of 64 MiB at most, windows and queues of
 * gRPC, a part, the code of a thread, and garbage of all these that is not yet collected.
 */
const BOUND_BYTES = 192 * MIB;
const DUMP = `yes "a row of a table" | head -c ${DUMP_BYTES}`;
const settings = { lease: "5m" };
let digest: string;
beforeAll(async () => {
  const { stdout } = await run("sh", ["-c", `${DUMP} | sha256sum`], {}, signal);
  digest = stdout.slice(0, 64);
});

test("while the controller stands still the agent holds what its bound allows, and the set is whole", async () => {
  const story = await Story.begin(stage.cluster, { backup: `${DUMP} > "$1"`, settings });
  const agent = stage.cluster.host("sdw1").child;
  const beforeBytes = await residentBytes(agent.pid);
  await using command = await story.startFlowing("backup", signal);
  command.kill("SIGSTOP");
  await untilIdle(agent.pid, signal);
  const agentBytes = (await residentBytes(agent.pid)) - beforeBytes;
  command.kill("SIGCONT");
  expect(await command.outcome).toMatchObject({ status: 0 });
  expect(agentBytes).toBeLessThan(BOUND_BYTES);
  expect(await story.digestOf("app-sdw1")).toBe(digest);
});

test("while a consumer does not read, agent and controller hold what their bounds allow, and it gets all", async () => {
  const story = await Story.begin(stage.cluster, { backup: `${DUMP} > "$1"`, settings });
  expect(await story.backup(signal)).toMatchObject({ status: 0 });
  const [go, out] = [join(stage.dir, "go"), join(stage.dir, "out")];
  const late = `until [ -e '${go}' ]; do sleep 0.1; done; sha256sum > '${out}'`;
  const restore = `exec < "$1"; ${late}`;
  await story.change({ backup: DUMP, settings, restore });
  const agent = stage.cluster.host("sdw1");
  await agent.child.stop(); // a new one holds nothing of the backup
  await agent.start(signal);
  await using command = await stage.startPenstock(
    "restore",
    "nightly",
    "--set",
    "LATEST",
    "-o",
    "json",
  );
  await command.stdout.waitFor(/"event":"started"/, signal);
  const pids = [agent.child.pid, command.pid];
  const before = await Promise.all(pids.map(residentBytes));
  await command.stdout.waitFor(/"state":"flowing","bytes":[1-9]/, signal);
  await Promise.all(pids.map((pid) => untilIdle(pid, signal)));
  const during = await Promise.all(pids.map(residentBytes));
  await writeFile(go, "");
  expect(await command.outcome).toMatchObject({ status: 0 });
  expect(await readFile(out, "utf8")).toMatch(digest);
  for (const [index, bytes] of during.entries()) {
    expect(bytes - (before[index] ?? 0)).toBeLessThan(BOUND_BYTES);
  }
});
