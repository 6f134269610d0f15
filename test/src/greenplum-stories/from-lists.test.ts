import { constants, existsSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { expect, test } from "vitest";
import { DumpByHand } from "./by-hand.ts";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";
import { holdPostData } from "./hold-post-data.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });
const OPTIONS = ["-g", "-G", "--dump-stats"];

const arePipes = (paths: readonly string[]): boolean =>
  paths.every((path) => statSync(path).isFIFO());

test("what somebody's own gpcrondump writes into his own pipes is a set, and the pipes stay his", async () => {
  await stage.plan({ options: OPTIONS, restore: ["-e", "-G", "--restore-stats"] });
  const { greenplum, signal } = stage;
  const key = "20300101000001";
  const dump = await DumpByHand.list(stage, key, OPTIONS);
  await dump.makePipes();
  const args = ["backup", "--from-lists", ...dump.lists, "-o", "json"];
  await using command = await stage.startPenstock(...args);
  await command.stdout.waitFor(/"event":"started"/, signal);
  await using tool = await dump.start();
  expect(await tool.outcome).toMatchObject({ status: 0 });
  const outcome = await command.outcome;
  expect(outcome, outcome.stdout + outcome.stderr).toMatchObject({ status: 0 });
  expect(resultOf(outcome)).toMatchObject({ set: key, status: "committed", warnings: [] });
  expect(arePipes(dump.paths)).toBe(true);

  const again = await stage.penstock("backup", "nightly", "--from-lists", ...dump.lists);
  expect(again).toMatchObject({ status: 5 });
  expect(again.stderr).toContain(`error: set ${key} exists on file://`);

  const before = await greenplum.checksums("testdb");
  await stage.empty();
  await stage.result("restore", "nightly", "--set", key);
  expect(await greenplum.checksums("testdb")).toEqual(before);
  expect(dump.paths.some((path) => existsSync(path))).toBe(false);
});

test("another process goes on reading somebody's pipes", async () => {
  await stage.plan({ options: OPTIONS });
  const { greenplum, signal } = stage;
  const key = "20300101000002";
  const dump = await DumpByHand.list(stage, key, OPTIONS);
  await dump.makePipes();
  await using tool = await dump.start(); // it waits for readers
  {
    await using _held = await holdPostData(greenplum);
    const args = ["backup", "--from-lists", ...dump.lists, "-o", "json"];
    await using command = await stage.startPenstock(...args);
    await command.stdout.waitFor(/"state":"flowing","bytes":[1-9]/, signal);
    command.kill("SIGKILL");
    await command.exited;
  }
  const resumed = await stage.penstock("backup", "--resume", key);
  expect(resumed, resumed.stderr).toMatchObject({ status: 0 });
  expect(await tool.outcome).toMatchObject({ status: 0 });
});

test("somebody who keeps the pipe of the statistics open fails the run, and does not hang it", async () => {
  await stage.plan({ options: OPTIONS });
  const { signal } = stage;
  const key = "20300101000004";
  const dump = await DumpByHand.list(stage, key, OPTIONS);
  await dump.makePipes();
  const path = dump.paths.find((other) => other.includes("gp_statistics")) ?? "";
  await using command = await stage.startPenstock("backup", "--from-lists", ...dump.lists);
  await command.stderr.waitFor(/^run \d+/m, signal);
  await using _stranger = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  await using tool = await dump.start();
  expect(await tool.outcome).toMatchObject({ status: 0 });
  const outcome = await command.outcome;
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toContain(
    `stream gp_statistics_-1_1_${key} of mdw: its pipe is still held open 5s after its tool has ended`,
  );
});

test("a gpcrondump that nobody starts is not waited for without end", async () => {
  await stage.plan({ options: OPTIONS }, { stall_timeout: "2s" });
  const dump = await DumpByHand.list(stage, "20300101000005", OPTIONS);
  await dump.makePipes();
  const outcome = await stage.penstock("backup", "--from-lists", ...dump.lists);
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toMatch(/gpcrondump has written nothing at all for 2s/);
  expect(arePipes(dump.paths)).toBe(true);
});
