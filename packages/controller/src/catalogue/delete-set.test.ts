import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Manifest } from "@penstock/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import { deleteSet } from "./delete-set.ts";
import { readManifestAt, toDocument } from "./documents.ts";
import { findByStream } from "./find-by-stream.ts";
import { setKeys } from "./keys.ts";

const NEVER: AbortSignal = new AbortController().signal;
const STREAM = "gpbackup_20261120095538_config.yaml";

let directory: TemporaryDirectory;
let targets: Target[];
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  const urls = ["one", "two"].map((name) => pathToFileURL(join(directory.path, name)).href);
  targets = await Promise.all(urls.map((url) => openTarget({ url }, NEVER)));
});
afterEach(async () => {
  await Promise.all(targets.map((target) => target[Symbol.asyncDispose]()));
  await directory[Symbol.asyncDispose]();
});

/** A committed set with one stream. */
async function commit(set: string, stream = STREAM): Promise<Manifest> {
  const keys = setKeys("warehouse", set);
  const key = keys.stream(stream, "");
  const sha256 = "0".repeat(64);
  const object = { key, bytes: 1, sha256, parts: { key: `${key}.parts`, sha256 } };
  const manifest: Manifest = {
    ...{ formatVersion: 1, set, cluster: "warehouse", plan: "nightly", producer: "gpbackup" },
    ...{ status: "committed", startedAt: "2026-01-01T00:00:00Z", endedAt: "2026-01-01T00:01:00Z" },
    streams: [
      {
        ...{ name: stream, host: "mdw", kind: "plugin", path: "/x", codec: "none" },
        ...{ encrypted: false, bytesRaw: 1, bytesStored: 1, sha256Raw: sha256, reconnects: 0 },
        ...{ sha256Stored: sha256, objects: [object], tool: null },
      },
    ],
  };
  for (const target of targets) {
    await target.putIfAbsent(keys.started, Buffer.from("{}"), NEVER);
    for (const name of [key, `${key}.parts`]) {
      await target.putIfAbsent(name, Buffer.from("x"), NEVER);
    }
    await target.putIfAbsent(keys.manifest, toDocument(manifest), NEVER);
  }
  return manifest;
}

function found(withFailed = false): Promise<string | undefined> {
  const named = targets.map((target, index) => ({ name: String(index), target }));
  const sign = { cluster: "warehouse", producer: "gpbackup", stream: STREAM, withFailed };
  return findByStream(named, sign, NEVER).then((set) => set?.manifest.set);
}

async function keys(): Promise<string[]> {
  return (await Promise.all(targets.map((target) => target.list("", NEVER)))).flat();
}

/** The targets, which fail after so many removals. */
function failingAfter(count: number): Target[] {
  let left = count;
  const remove =
    (target: Target): Target["remove"] =>
    async (key, signal) => {
      if (left === 0) throw new Error("killed");
      left -= 1;
      await target.remove(key, signal);
    };
  return targets.map((target) => ({
    ...{ url: target.url, remove: remove(target) },
    ...{ list: target.list.bind(target), putIfAbsent: target.putIfAbsent.bind(target) },
  })) as unknown as Target[];
}

test("nothing of a deleted set is left on any target, and everything of the others", async () => {
  const manifest = await commit("20261120085538");
  const other = await commit("20261120095600", "gpbackup_20261120105600_config.yaml");
  const before = (await keys()).filter((key) => key.includes(other.set));
  await deleteSet(targets, manifest, NEVER);
  expect(await keys()).toEqual(before);
  await deleteSet(targets, manifest, NEVER);
  expect(await keys()).toEqual(before);
});

test("a deletion that is interrupted anywhere leaves a whole set or none, and can be repeated", async () => {
  for (let count = 0; ; count++) {
    const manifest = await commit("20261120085538");
    const killed = await deleteSet(failingAfter(count), manifest, NEVER).catch(() => "killed");
    for (const target of targets) {
      const key = setKeys("warehouse", manifest.set).manifest;
      const isCommitted = (await readManifestAt(target, key, NEVER)) !== undefined;
      const objects = manifest.streams.flatMap((stream) => stream.objects);
      const sizes = await Promise.all(objects.map((object) => target.stat(object.key, NEVER)));
      if (isCommitted) expect(sizes).toEqual([1]);
    }
    if (killed === undefined) break;
    const rest = await keys();
    if (rest.some((key) => key.includes("streams"))) expect(await found(true)).toBe(manifest.set);
    await deleteSet(targets, manifest, NEVER);
    expect(await keys()).toEqual([]);
  }
});

test("a set is found by a stream, however many others there are; a failed one only on demand", async () => {
  const manifest = await commit("20261120085538");
  await commit("20261120095538", "gpbackup_20261120105538_config.yaml");
  expect(await found()).toBe(manifest.set);
  await deleteSet(failingAfter(2), manifest, NEVER).catch(() => {});
  expect([await found(), await found(true)]).toEqual([undefined, manifest.set]);
});

test("a set whose manifest is damaged is not taken for one that is not there", async () => {
  const { set } = await commit("20261120085538");
  for (const target of targets) {
    const { manifest } = setKeys("warehouse", set);
    await target.remove(manifest, NEVER);
    await target.putIfAbsent(manifest, Buffer.from("{}"), NEVER);
  }
  await expect(found(true)).rejects.toMatchObject({ code: "damaged" });
  expect(await found()).toBeUndefined();
});
