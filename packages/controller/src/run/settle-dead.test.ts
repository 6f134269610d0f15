import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Manifest } from "@penstock/common";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readManifestAt, toDocument } from "../catalogue/documents.ts";
import { setKeys } from "../catalogue/keys.ts";
import type { JournalState } from "../runs/journal.ts";
import { journalHead, receiptOf } from "../runs/journal-samples.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import type { RunContext } from "./context.ts";
import { settleDead } from "./settle-dead.ts";

const NEVER: AbortSignal = new AbortController().signal;
const CLUSTER = "warehouse";
const SET = "20240101000000";
const KEYS = setKeys(CLUSTER, SET);
const REASON = "its controller was killed";
const STATE: JournalState = {
  head: journalHead(SET),
  hasBegun: true,
  receipts: [receiptOf("a"), receiptOf("b")],
  aliveMs: 0,
};
const COMMITTED: Manifest = {
  ...{ formatVersion: 1, set: SET, cluster: CLUSTER, plan: "nightly", producer: "command" },
  ...{ status: "committed", streams: [receiptOf("a"), receiptOf("b"), receiptOf("c")] },
  ...{ startedAt: "2024-01-01T00:00:00.000Z", endedAt: "2024-01-01T00:00:01.000Z" },
};

let directory: TemporaryDirectory;
let targets: RunContext["targets"];
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  targets = await Promise.all(["one", "two"].map(openAt));
});
afterEach(async () => {
  await Promise.all(targets.map(({ target }) => target[Symbol.asyncDispose]()));
  await directory[Symbol.asyncDispose]();
});

async function openAt(name: string): Promise<RunContext["targets"][number]> {
  const config = { url: pathToFileURL(join(directory.path, name)).href };
  return { name, config, target: await openTarget(config, NEVER) };
}

function settle(state: JournalState = STATE): Promise<boolean> {
  return settleDead({ cluster: CLUSTER, targets }, state, REASON);
}

/** All files below both targets, whether visible or not. */
async function files(): Promise<string[]> {
  const entries = await readdir(directory.path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.path.length + 1))
    .sort();
}

/** What the dead controller had under way, on both targets. */
async function leaveUnfinished(): Promise<void> {
  for (const { target } of targets) {
    const writer = await target.create(KEYS.stream("c", ""), KEYS.scope, NEVER);
    await writer.write(Buffer.from("half"));
  }
  expect(await files()).toHaveLength(2);
}

describe("of a backup that was killed before its commit", () => {
  test("what was finished is noted on all targets, and the rest is removed", async () => {
    await leaveUnfinished();
    expect(await settle()).toBe(true);
    expect(await files()).toEqual([`one/${KEYS.failed}`, `two/${KEYS.failed}`]);
    for (const { target } of targets) {
      expect(await readManifestAt(target, KEYS.failed, NEVER)).toEqual({
        ...{ formatVersion: 1, set: SET, cluster: CLUSTER, plan: "nightly", producer: "command" },
        ...{ status: "failed", error: REASON, streams: STATE.receipts },
        startedAt: STATE.head.startedAt,
        endedAt: expect.stringMatching(/Z$/),
      });
    }
  });

  test("it is noted only once", async () => {
    expect(await settle()).toBe(true);
    const before = await readFile(join(directory.path, "one", KEYS.failed));
    expect(await settle({ ...STATE, receipts: [] })).toBe(true);
    expect(await readFile(join(directory.path, "one", KEYS.failed))).toEqual(before);
  });

  test("nothing is noted if it had not begun: the name may be another's", async () => {
    const state = { ...STATE, hasBegun: false };
    await targets[0]?.target.putIfAbsent(KEYS.started, Buffer.from("another's"), NEVER);
    expect(await settle(state)).toBe(true);
    expect(await files()).toEqual([`one/${KEYS.started}`]);
  });
});

describe("of a backup that was killed in its commit", () => {
  test.each([0, 1])("target %i has the manifest: the others get it, too", async (index) => {
    await leaveUnfinished();
    const body = toDocument(COMMITTED);
    await targets[index]?.target.putIfAbsent(KEYS.manifest, body, NEVER);
    expect(await settle()).toBe(true);
    expect(await files()).toEqual([`one/${KEYS.manifest}`, `two/${KEYS.manifest}`]);
    for (const name of ["one", "two"]) {
      const stored = await readFile(join(directory.path, name, KEYS.manifest));
      expect(stored.equals(body)).toBe(true);
    }
  });

  test("a manifest that is damaged is no commit, and is not passed on", async () => {
    await targets[0]?.target.putIfAbsent(KEYS.manifest, Buffer.from("{}"), NEVER);
    expect(await settle()).toBe(false);
    expect(await files()).toEqual([`one/${KEYS.manifest}`]);
  });
});

describe("a target that is not to be had puts it off to another time:", () => {
  const spoil = (): Promise<void> => writeFile(join(directory.path, "two"), "not a directory");
  const mend = (): Promise<void> => rm(join(directory.path, "two"));

  test("the failure", async () => {
    await spoil();
    expect(await settle()).toBe(false);
    expect(await files()).toEqual(["two"]);
    await mend();
    expect(await settle()).toBe(true);
    expect(await files()).toEqual([`one/${KEYS.failed}`, `two/${KEYS.failed}`]);
  });

  test("the commit, of which no failure is noted", async () => {
    await spoil();
    await targets[0]?.target.putIfAbsent(KEYS.manifest, toDocument(COMMITTED), NEVER);
    expect(await settle()).toBe(false);
    expect(await files()).toEqual([`one/${KEYS.manifest}`, "two"]);
    await mend();
    expect(await settle()).toBe(true);
    expect(await files()).toEqual([`one/${KEYS.manifest}`, `two/${KEYS.manifest}`]);
  });

  test("a note that only one target takes", async () => {
    await mkdir(join(directory.path, "two", CLUSTER), { recursive: true });
    await writeFile(join(directory.path, "two", CLUSTER, SET), "where a folder should be");
    expect(await settle()).toBe(false);
    await rm(join(directory.path, "two", CLUSTER, SET));
    expect(await settle()).toBe(true);
    expect(await files()).toEqual([`one/${KEYS.failed}`, `two/${KEYS.failed}`]);
  });
});
