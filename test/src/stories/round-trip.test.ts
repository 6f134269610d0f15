import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { copyPlan, ONE_PIPE, toPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const HOSTS = ["sdw1", "sdw2"];
const stage = openStage({ hosts: HOSTS, agentSettings: { threads: 2 } });

test.for([
  ["none", ["cat"]],
  ["gzip", ["gunzip", "-c"]],
  ["zstd", ["zstd", "-dc"]],
] as const)(
  "what is stored with codec %s is what the standard tools read",
  async ([codec, reader], { skip }) => {
    const found = await run("sh", ["-c", `command -v ${reader[0]}`], {}, stage.signal);
    skip(found.status !== 0, `${reader[0]} is not installed`);
    for (const host of HOSTS) await stage.put(host, "in", randomBytes(3_000_000));
    await stage.cluster.configure({
      plans: { nightly: copyPlan(stage, HOSTS, { compression: codec }) },
    });
    const manifest = await stage.backup("nightly");
    expect(manifest.streams.map(({ name }) => name)).toEqual(["app-sdw1", "app-sdw2"]);
    await expectDigests(manifest);
    for (const { host, objects } of manifest.streams) {
      const stored = join(stage.cluster.store, objects[0]?.key ?? "");
      const script = `"$@" < "$0" | cmp - '${join(stage.dataOf(host), "in")}'`;
      const args = ["-c", script, stored, ...reader];
      expect(await run("sh", args, {}, stage.signal)).toMatchObject({ status: 0 });
    }
    expect(await stage.ok("verify", manifest.set)).toContain("2 streams");
    await stage.ok("restore", "nightly", "--set", "LATEST");
    for (const host of HOSTS) await expectSame(host, "in", "out");
    expect(await stage.cluster.leftOvers()).toEqual([]);
  },
);

test("a tool's own output comes back as its own input", async () => {
  for (const host of HOSTS) await stage.put(host, "in", randomBytes(1_000_000));
  const streams = [{ name: "dump-{host}", kind: "stdout" }];
  const plan = toPlan(stage, {
    hosts: HOSTS,
    streams,
    backup: "cat {data}/in",
    restore: "cat > {data}/out",
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  const { streams: stored } = await stage.backup("nightly");
  expect(stored).toMatchObject([{ kind: "stdout", path: "" }, { kind: "stdout" }]);
  await stage.ok("restore", "nightly", "--set", "LATEST");
  for (const host of HOSTS) await expectSame(host, "in", "out");
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

test("one tool writes and reads many streams, of all kinds and also empty ones", async () => {
  const names = ["one", "two", "empty"];
  for (const name of ["one", "two", "file", "out"])
    await stage.put("sdw1", name, randomBytes(300_000));
  await stage.put("sdw1", "empty", "");
  const pipe = (name: string): object => ({ name, kind: "fifo", path: `{root}/{set}/${name}` });
  const each = (command: (name: string) => string): string => names.map(command).join(" & ");
  const plan = toPlan(stage, {
    hosts: ["sdw1"],
    streams: [
      ...names.map(pipe),
      { name: "file", kind: "file", path: "{root}/{set}/of/its/own/file" },
      { name: "standard", kind: "stdout" },
    ],
    backup: `${each((name) => `cat {data}/${name} > {root}/{set}/${name}`)} & cat {data}/out
      cp {data}/file {root}/{set}/of/its/own/file; wait`,
    restore: `${each((name) => `cat {root}/{set}/${name} > {data}/${name}.2`)} & cat > {data}/out.2
      cp {root}/{set}/of/its/own/file {data}/file.2; wait`,
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  const { streams, set } = await stage.backup("nightly");
  expect(streams.map(({ name, bytesRaw }) => [name, bytesRaw])).toEqual([
    ["one", 300_000],
    ["two", 300_000],
    ["empty", 0],
    ["file", 300_000],
    ["standard", 300_000],
  ]);
  expect(streams.every(({ tool }) => tool?.exitCode === 0)).toBe(true);
  expect(await stage.ok("cat", set, "empty")).toBe("");
  await stage.ok("verify", set);
  await run("rm", ["-r", join(stage.cluster.host("sdw1").root, set)], {}, stage.signal);
  await stage.ok("restore", "nightly", "--set", set);
  for (const name of [...names, "file", "out"]) await expectSame("sdw1", name, `${name}.2`);
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

test("a stream longer than a segment becomes numbered objects that cat joins", async () => {
  await stage.put("sdw1", "in", randomBytes(500_000));
  const settings = { compression: "none", segmentSize: "192KiB" };
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, ["sdw1"], settings) } });
  const manifest = await stage.backup("nightly");
  const objects = manifest.streams[0]?.objects ?? [];
  expect(objects.map(({ key, bytes }) => [key.split("/").at(-1), bytes])).toEqual([
    ["app-sdw1.000000", 196_608],
    ["app-sdw1.000001", 196_608],
    ["app-sdw1.000002", 106_784],
  ]);
  await expectDigests(manifest);
  const original = join(stage.dataOf("sdw1"), "in");
  const joined = `cat "$0".?????? | cmp - '${original}'`;
  const stem = join(stage.cluster.store, objects[0]?.key.replace(/\.\d+$/, "") ?? "");
  expect(await run("sh", ["-c", joined, stem], {}, stage.signal)).toMatchObject({ status: 0 });
  await stage.ok("verify", manifest.set);
  await stage.ok("restore", "nightly", "--set", manifest.set);
  await expectSame("sdw1", "in", "out");
});

test("regular files are collected afterwards, and are there before the tools of a restore", async () => {
  await stage.put("sdw1", "in", "rows\n");
  await stage.put("sdw2", "in", "more rows\n");
  const plan = toPlan(stage, {
    hosts: HOSTS,
    streams: [{ name: "app-{host}", kind: "fifo", path: "{root}/{set}/app.pipe" }],
    backup: "cat {data}/in > {root}/{set}/app.pipe; echo {host} > {root}/{set}/app.rpt",
    restore: "cp {root}/{set}/app.rpt {data}/report; cat {root}/{set}/app.pipe > {data}/out",
    files: ["{root}/{set}/*.rpt", "{root}/{set}/*.none"],
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  const { set, streams } = await stage.backup("nightly");
  expect(streams.map(({ name, kind, tool }) => [name, kind, tool === null])).toEqual([
    ["app-sdw1", "fifo", false],
    ["app-sdw2", "fifo", false],
    ["sdw1.app.rpt", "file", true],
    ["sdw2.app.rpt", "file", true],
  ]);
  expect(await stage.ok("cat", set, "sdw2.app.rpt")).toBe("sdw2\n");
  for (const host of HOSTS) {
    // It is the tool's, so nobody but the operator removes it.
    await run("rm", ["-r", join(stage.cluster.host(host).root, set)], {}, stage.signal);
  }
  await stage.ok("restore", "nightly", "--set", "LATEST");
  for (const host of HOSTS) {
    expect(await readFile(join(stage.dataOf(host), "report"), "utf8")).toBe(`${host}\n`);
    await expectSame(host, "in", "out");
  }
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

test("a set on two targets is whole on each of them", async () => {
  await stage.put("sdw1", "in", randomBytes(100_000));
  const targets = {
    local: { url: `file://${stage.cluster.store}` },
    vault: { url: `file://${join(stage.dir, "vault")}` },
  };
  const plan = copyPlan(stage, ["sdw1"], { targets: ["local", "vault"] });
  await stage.cluster.configure({ plans: { nightly: plan }, targets });
  const { set } = await stage.backup("nightly");
  const listed = JSON.parse(await stage.ok("list", "-o", "json")) as {
    target: string;
    set: string;
  }[];
  expect(listed.filter((entry) => entry.set === set).map(({ target }) => target)).toEqual([
    "local",
    "vault",
  ]);
  for (const target of ["local", "vault"]) await stage.ok("verify", set, "--target", target);
  await run("rm", ["-r", join(stage.cluster.store, "warehouse", set)], {}, stage.signal);
  await stage.ok("restore", "nightly", "--set", set);
  await expectSame("sdw1", "in", "out");
});

test("lists, manifests and folders are as promised", async () => {
  await stage.put("sdw1", "in", "rows\n");
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, ["sdw1"]) } });
  const { set } = await stage.backup("nightly");
  const [newest] = JSON.parse(await stage.ok("list", "-o", "json"));
  expect(newest).toEqual({
    set,
    plan: "nightly",
    cluster: "warehouse",
    producer: "command",
    status: "committed",
    startedAt: expect.stringMatching(ISO_TIME),
    endedAt: expect.stringMatching(ISO_TIME),
    bytesRaw: 5,
    bytesStored: expect.any(Number),
    streams: 1,
    target: "local",
  });
  expect(JSON.parse(await stage.ok("show", "LATEST", "-o", "json"))).toEqual({
    formatVersion: 1,
    set,
    cluster: "warehouse",
    plan: "nightly",
    producer: "command",
    status: "committed",
    startedAt: newest.startedAt,
    endedAt: newest.endedAt,
    streams: [
      {
        name: "app-sdw1",
        host: "sdw1",
        kind: "fifo",
        path: join(stage.cluster.host("sdw1").root, set, "app.pipe"),
        codec: "zstd",
        encrypted: false,
        bytesRaw: 5,
        bytesStored: newest.bytesStored,
        sha256Raw: "9b71c268cf258d56d93a8182fce8a2ed6a7d18768a88959e17537d913702d63f",
        sha256Stored: expect.stringMatching(SHA256),
        objects: [
          {
            key: `warehouse/${set}/streams/app-sdw1.zst`,
            bytes: newest.bytesStored,
            sha256: expect.stringMatching(SHA256),
            parts: expect.anything(),
          },
        ],
        tool: { name: "sh", exitCode: 0 },
        reconnects: expect.any(Number),
      },
    ],
  });
  const folder = join(stage.cluster.store, "warehouse", set);
  expect((await readdir(folder, { recursive: true })).sort()).toEqual([
    "manifest.json",
    "started.json",
    "streams",
    "streams/app-sdw1.zst",
    "streams/app-sdw1.zst.parts",
  ]);
  const text = await stage.ok("show", "LATEST");
  for (const word of [set, "nightly", "committed", "sdw1", "app-sdw1"])
    expect(text).toContain(word);
});

test("of a failed run the finished streams can be read, and nothing else can be done with them", async () => {
  for (const host of HOSTS) await stage.put(host, "in", `rows of ${host}\n`);
  const plan = toPlan(stage, {
    hosts: HOSTS,
    streams: ONE_PIPE,
    backup: "cat {data}/in > {root}/{set}/app.pipe; test {host} = sdw1",
    restore: "cat {root}/{set}/app.pipe",
    settings: { limits: { total: 1 } },
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  const words = ["sh on sdw2 exited with status 1"];
  const outcome = await stage.fails(1, words, "backup", "nightly", "-o", "json");
  const result = JSON.parse(outcome.stdout.trimEnd().split("\n").at(-1) ?? "");
  const { set } = result;
  expect(result).toMatchObject({
    event: "result",
    plan: "nightly",
    status: "failed",
    code: "failed",
  });
  const manifest = JSON.parse(await stage.ok("show", set, "-o", "json"));
  expect(manifest).toMatchObject({ status: "failed", streams: [{ name: "app-sdw1" }] });
  expect(await stage.ok("cat", set, "app-sdw1")).toBe("rows of sdw1\n");
  const hint = "hint: its finished streams can be read with: penstock cat";
  await stage.fails(1, [set, hint], "verify", set);
  await stage.fails(1, [set, hint], "restore", "nightly", "--set", set);
});

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** As an operator would: by the list of digests in the manifest. */
async function expectDigests({ streams }: Manifest): Promise<void> {
  const objects = streams.flatMap((stream) => stream.objects);
  const list = objects.map(({ key, sha256 }) => `${sha256}  ${key}\n`).join("");
  const script = `printf %s "$0" | sha256sum --check --strict`;
  const options = { cwd: stage.cluster.store };
  const outcome = await run("sh", ["-c", script, list], options, stage.signal);
  expect(outcome).toMatchObject({ status: 0 });
}

async function expectSame(host: string, original: string, restored: string): Promise<void> {
  const [one, other] = [original, restored].map((name) => join(stage.dataOf(host), name));
  expect(await run("cmp", [`${one}`, `${other}`], {}, stage.signal)).toMatchObject({ status: 0 });
}
