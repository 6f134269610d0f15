import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runProgram } from "../harness/programs.ts";
import { copyPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1", "sdw2"] });

describe("a wrong configuration of the controller is refused with file, line and what is allowed", () => {
  test.for([
    [
      "an unknown key",
      ["compression: zstd", "compresion: zstd"],
      ["unknown key", "compression", "plans.nightly"],
    ],
    [
      "a wrong type",
      ["perHost: 2", "perHost: many"],
      ["plans.nightly.limits.perHost", "a whole number"],
    ],
    ["a missing file", ["ca.pem", "caa.pem"], ["caa.pem", "tls.ca"]],
    [
      "a key twice",
      ["compression: zstd", "compression: zstd\n    compression: none"],
      ["duplicate key", "compression"],
    ],
    ["a host twice", ["- name: sdw2", "- name: sdw1"], ["duplicate host", "sdw1"]],
    ["an unknown agent", ["- name: sdw2", "- name: sdw3"], ["unknown agent", "sdw3", "sdw1, sdw2"]],
    ["an unknown target", ["- local", "- locl"], ["unknown target", "locl", "local"]],
    ["an unknown codec", ["compression: zstd", "compression: lz4"], ["lz4", "none, gzip, zstd"]],
    [
      "an unknown kind of target",
      ["file://", "ftp://"],
      ["target scheme", "ftp", "targets.local.url", "allowed: file"],
    ],
    [
      "a target that is no folder",
      ["file:///", "file://host/"],
      ["url of a file target", "targets.local.url", "hint: "],
    ],
    [
      "a path above its folder",
      ["{root}/{set}", "{root}/../{set}"],
      ["bad path", "streams[0].path", "without"],
    ],
    ["no YAML at all", ["compression: zstd", "compression: z: std"], ["bad YAML"]],
  ] as const)("%s", async ([, [right, wrong], words]) => {
    const settings = { compression: "zstd", limits: { perHost: 2 } };
    await stage.cluster.configure({
      plans: { nightly: copyPlan(stage, ["sdw1", "sdw2"], settings) },
    });
    const line = await spoil(stage.cluster.configFile, right, wrong);
    const place = `${stage.cluster.configFile}:${line}: `;
    const outcome = await stage.fails(2, [place, ...words], "backup", "nightly", "-o", "json");
    const result = { event: "result", plan: "nightly", status: "failed", code: "usage" };
    expect(JSON.parse(outcome.stdout)).toMatchObject(result);
  });

  test("a missing configuration", async () => {
    const outcome = await runProgram(
      "penstock",
      ["list", "--config", "/no/such.yaml"],
      {},
      stage.signal,
    );
    expectFailure(outcome, 2, ["/no/such.yaml", "hint: "]);
  });
});

describe("a wrong configuration of an agent is refused with file, line and what is allowed", () => {
  test.for([
    ["an unknown key", ["roots:", "rots:"], ["unknown key", "roots"]],
    [
      "a wrong type",
      ["cluster: warehouse", "cluster: warehouse\nthreads: several"],
      ["threads", "a whole number"],
    ],
    ["a missing file", ["sdw1.key", "sdw9.key"], ["sdw9.key", "tls.key"]],
    [
      "a key twice",
      ["cluster: warehouse", "cluster: warehouse\ncluster: other"],
      ["duplicate key"],
    ],
    ["a relative path", ["sh: /bin/sh", "sh: bin/sh"], ["tools.sh", "absolute path"]],
  ] as const)("%s", async ([, [right, wrong], words]) => {
    const { file, line } = await spoiledAgent(right, wrong);
    const outcome = await startAgent(file);
    expectFailure(outcome, 2, [`${file}:${line}: `, ...words]);
  });

  test.for([
    [
      "a root that is not there",
      [/- \/.*backups/, "- /no/such/folder"],
      ["root /no/such/folder is not a folder", "hint: "],
    ],
    [
      "a state directory that another agent uses",
      [/listen: .*/, 'listen: "127.0.0.1:0"'],
      ["state directory", "is in use by another agent"],
    ],
  ] as const)("%s", async ([, [right, wrong], words]) => {
    const { file } = await spoiledAgent(right, wrong);
    expectFailure(await startAgent(file), 2, words);
  });

  test("an address that is taken", async () => {
    const state = `stateDirectory: ${join(stage.dir, "another-state")}`;
    const { file } = await spoiledAgent(/stateDirectory: .*/, state);
    await spoil(file, /listen: .*/, `listen: "${stage.cluster.host("sdw1").address}"`);
    expectFailure(await startAgent(file), 2, ["cannot listen at 127.0.0.1:", "EADDRINUSE"]);
  });
});

describe("a name that is not there is said with those that are", () => {
  test.for([
    [["backup", "nihgtly"], 2, ["unknown plan", "nihgtly", 'did you mean "nightly"', "weekly"]],
    [["plan", "monthly"], 2, ["unknown plan", "monthly", "nightly, weekly"]],
    [["restore", "toString", "--set", "LATEST"], 2, ["unknown plan", "toString"]],
    [["list", "--target", "lokal"], 2, ["unknown target", "lokal", 'did you mean "local"']],
    [["list", "--target", "constructor"], 2, ["unknown target", "constructor", "local"]],
    [["show", "LATEST"], 7, ["no committed set", "cluster warehouse", "file://", "hint: "]],
    [["verify", "20200101000000"], 7, ["no set 20200101000000", "hint: see: penstock list"]],
    [["show", "yesterday"], 2, ["yesterday", "YYYYMMDDHHMMSS or LATEST"]],
    [["restore", "nightly", "--set", "LATEST"], 7, ["no committed set of plan nightly"]],
  ] as const)("%s", async ([args, status, words]) => {
    const plans = { nightly: copyPlan(stage, ["sdw1"]), weekly: copyPlan(stage, ["sdw2"]) };
    await stage.cluster.configure({ plans });
    await stage.fails(status, words, ...args);
  });

  test("a stream of a set", async () => {
    await stage.put("sdw1", "in", "rows\n");
    await stage.cluster.configure({ plans: { nightly: copyPlan(stage, ["sdw1"]) } });
    const { set } = await stage.backup("nightly");
    const words = [`set ${set} has no stream app-sdw2`, "app-sdw1"];
    await stage.fails(7, words, "cat", "LATEST", "app-sdw2");
  });
});

/** Replaces a text in a file, once, and returns the number of the last line that is new. */
async function spoil(file: string, right: string | RegExp, wrong: string): Promise<number> {
  const text = await readFile(file, "utf8");
  const changed = text.replace(right, wrong);
  expect(changed).not.toBe(text);
  await writeFile(file, changed);
  const end = changed.lastIndexOf(wrong) + wrong.length;
  return changed.slice(0, end).split("\n").length;
}

/** A configuration like that of sdw1, with a mistake. */
async function spoiledAgent(
  right: string | RegExp,
  wrong: string,
): Promise<{ readonly file: string; readonly line: number }> {
  const file = join(stage.dir, "spoiled.yaml");
  await writeFile(file, await readFile(stage.cluster.host("sdw1").configFile));
  return { file, line: await spoil(file, right, wrong) };
}

async function startAgent(file: string): ReturnType<typeof runProgram> {
  return await runProgram("penstock-agent", ["run", "--config", file], {}, stage.signal);
}
