import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { copyPlan, toPlan } from "./shell-plan.ts";
import { openStory } from "./story.ts";

const HOSTS = ["sdw1", "sdw2"];
const story = openStory({ hosts: HOSTS, agentSettings: { threads: 2 } });

test.for([
  ["none", ["cat"]],
  ["gzip", ["gunzip", "-c"]],
  ["zstd", ["zstd", "-dc"]],
] as const)("what is stored with codec %s is what the standard tools read", async ([codec, reader]) => {
  for (const host of HOSTS) await story.put(host, "in", randomBytes(3_000_000));
  await story.cluster.configure({ plans: { nightly: copyPlan(story, HOSTS, { compression: codec }) } });
  const manifest = await story.backup("nightly");
  expect(manifest.streams.map(({ name }) => name)).toEqual(["app-sdw1", "app-sdw2"]);
  await expectDigests(manifest);
  for (const { host, objects } of manifest.streams) {
    const [object] = objects;
    const stored = join(story.cluster.store, object?.key ?? "");
    const [command, ...args] = reader;
    const script = `"$0" "$@" < '${stored}' | cmp - '${join(story.dataOf(host), "in")}'`;
    expect(await run("sh", ["-c", script, command, ...args], {}, story.signal)).toMatchObject({ status: 0 });
  }
  expect(await story.ok("verify", manifest.set)).toContain("2 streams");
  await story.ok("restore", "nightly", "--set", "LATEST");
  for (const host of HOSTS) await expectRestored(host, "in", "out");
  expect(await story.cluster.leftOvers()).toEqual([]);
});

async function expectDigests({ streams }: Manifest): Promise<void> {
  const objects = streams.flatMap((stream) => stream.objects);
  const list = objects.map(({ key, sha256 }) => `${sha256}  ${key}\n`).join("");
  const outcome = await run(
    "sh",
    ["-c", `printf %s "$0" | sha256sum -c --strict`, list],
    { cwd: story.cluster.store },
    story.signal,
  );
  expect(outcome).toMatchObject({ status: 0 });
}

async function expectRestored(host: string, from: string, to: string): Promise<void> {
  const [original, restored] = await Promise.all(
    [from, to].map((name) => readFile(join(story.dataOf(host), name))),
  );
  expect(restored?.equals(original ?? Buffer.alloc(0))).toBe(true);
}
