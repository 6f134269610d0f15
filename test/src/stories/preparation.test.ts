import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { makeUnwritable } from "../harness/unwritable.ts";
import { copyPlan, ONE_PIPE, toPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";

const HOSTS = ["sdw1", "sdw2"];
const stage = openStage({
  hosts: HOSTS,
  tools: { sh: "/bin/sh", pg_dump: "/no/such/pg_dump", notes: "/etc/passwd", folder: "/usr/bin" },
});

afterEach(async () => {
  for (const host of HOSTS) {
    const { root } = stage.cluster.host(host);
    for (const name of await readdir(root)) await rm(join(root, name), { recursive: true });
  }
});

/** Whatever is wrong is found before anything is made, on all hosts and at the target. */
async function expectRefused(status: number, words: readonly string[]): Promise<void> {
  const before = await stage.cluster.leftOvers();
  const stored = await readdir(stage.cluster.store, { recursive: true });
  const outcome = await stage.penstock("backup", "nightly");
  expectFailure(outcome, status, words);
  expect(await stage.cluster.leftOvers()).toEqual(before);
  expect(await readdir(stage.cluster.store, { recursive: true })).toEqual(stored);
  for (const host of HOSTS) await expect(readdir(join(stage.dataOf(host)))).resolves.toEqual([]);
}

/** The line of the configuration with this text. */
async function lineOf(text: string): Promise<string> {
  const lines = (await readFile(stage.cluster.configFile, "utf8")).split("\n");
  return `${stage.cluster.configFile}:${lines.findLastIndex((line) => line.includes(text)) + 1}: `;
}

/** A plan whose tool would leave a trace in the host's data. */
const tracing = (streams: readonly object[], files: readonly string[] = []): object =>
  toPlan(stage, { hosts: HOSTS, streams, files, backup: "touch {data}/started" });

describe("a path that an agent must not touch is refused at its line, with the roots", () => {
  test.for([
    ["outside the roots", "fifo", "/etc/penstock/{host}.pipe"],
    ["a root itself", "fifo", "{root}"],
    ["a name that only begins like the root", "fifo", "{root}2/{host}.pipe"],
    ["behind a link that leads out", "fifo", "{root}/link/{host}.pipe"],
    ["a link that leads nowhere", "fifo", "{root}/dangling"],
    ["a file outside the roots", "file", "/etc/hostname"],
  ] as const)("%s", async ([, kind, path]) => {
    for (const host of HOSTS) {
      const { root } = stage.cluster.host(host);
      await symlink("/tmp", join(root, "link"));
      await symlink("/tmp/no/such", join(root, "dangling"));
    }
    const streams = [...ONE_PIPE, { name: "other-{host}", kind, path }];
    await stage.cluster.configure({ plans: { nightly: tracing(streams) } });
    const { root } = stage.cluster.host("sdw1");
    const place = await lineOf("path: ");
    await expectRefused(2, [
      place,
      "agent sdw1",
      "agent sdw2",
      "outside the roots",
      `hint: its roots are: ${root}`,
    ]);
  });

  test("files to collect outside the roots, before the tools have run in vain", async () => {
    const plan = tracing(ONE_PIPE, ["{root}/{set}/*.rpt", "/var/log/*.log"]);
    await stage.cluster.configure({ plans: { nightly: plan } });
    const place = await lineOf("/var/log/*.log");
    await expectRefused(2, [place, "agent sdw1", "outside the roots", "hint: its roots are: "]);
  });
});

describe("a pipe is never made where something is already", () => {
  test.for([
    ["a file", (path: string) => writeFile(path, "precious")],
    ["a folder", (path: string) => mkdir(path)],
    ["a link", (path: string) => symlink("elsewhere", path)],
    ["a pipe of somebody else", (path: string) => run("mkfifo", [path], {}, stage.signal)],
  ] as const)("%s", async ([, make]) => {
    const path = join(stage.cluster.host("sdw2").root, "sdw2.pipe");
    await make(path);
    const streams = [{ name: "app-{host}", kind: "fifo", path: "{root}/{host}.pipe" }];
    await stage.cluster.configure({ plans: { nightly: tracing(streams) } });
    const before = await stage.cluster.leftOvers();
    const outcome = await stage.penstock("backup", "nightly");
    expect(outcome.status).toBeGreaterThan(0);
    expectFailure(outcome, outcome.status ?? 0, ["agent sdw2", path]);
    expect(await stage.cluster.leftOvers()).toEqual(before);
  });
});

describe("a tool that cannot be started is found before anything is made", () => {
  test.for([
    [
      "not on the allow-list",
      "mysqldump",
      2,
      ["tool mysqldump is not allowed", "hint: its tools: list has: folder, notes, pg_dump, sh"],
    ],
    [
      "not on the host",
      "pg_dump",
      1,
      ["tool pg_dump: /no/such/pg_dump is not an executable program"],
    ],
    ["no program", "notes", 1, ["tool notes: /etc/passwd is not an executable program"]],
    ["a folder", "folder", 1, ["tool folder: /usr/bin is not an executable program"]],
  ] as const)("%s", async ([, tool, status, words]) => {
    const plan = tracing(ONE_PIPE) as { producer: object };
    const nightly = { ...plan, producer: { ...plan.producer, backup: { tool } } };
    await stage.cluster.configure({ plans: { nightly } });
    const place = status === 2 ? [await lineOf(`tool: ${tool}`)] : [];
    await expectRefused(status, [...place, "agent sdw1", "agent sdw2", ...words]);
  });
});

test("a folder that the agent may not write to is named with its host", async () => {
  const { root } = stage.cluster.host("sdw2");
  await stage.cluster.configure({ plans: { nightly: tracing(ONE_PIPE) } });
  await using _readOnly = await makeUnwritable(root, stage.signal);
  await expectRefused(1, ["agent sdw2", root]);
});

test("agents that do not answer are all named at once, and nothing is begun on the others", async () => {
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, HOSTS) } });
  const text = await readFile(stage.cluster.configFile, "utf8");
  const [one, two] = HOSTS.map((host) => stage.cluster.host(host).address);
  const gone = text.replace(`${one}`, "127.0.0.1:1").replace(`${two}`, "no-such-host.invalid:7411");
  await writeFile(stage.cluster.configFile, gone);
  const words = [
    "2 problems",
    "agent sdw1 (127.0.0.1:1): connection refused",
    "agent sdw2 (no-such-host.invalid:7411): its name does not resolve",
  ];
  await stage.fails(6, words, "backup", "nightly");
  await writeFile(stage.cluster.configFile, text.replace(`${one}`, "127.0.0.1:1"));
  await expectRefused(6, ["agent sdw1 (127.0.0.1:1): connection refused", "hint: "]);
});

test("an agent behind another one's name or address is not taken for it", async () => {
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, HOSTS) } });
  const text = await readFile(stage.cluster.configFile, "utf8");
  const [one, two] = HOSTS.map((host) => stage.cluster.host(host).address);
  const swapped = text
    .replace(`${one}`, "SWAP")
    .replace(`${two}`, `${one}`)
    .replace("SWAP", `${two}`);
  await writeFile(stage.cluster.configFile, swapped);
  await expectRefused(2, [`agent sdw1 (${two})`, "calls itself sdw2", "calls itself sdw1"]);
});

test("check finds a plan's tool that an agent does not allow", async () => {
  const streams = [{ name: "app-{host}", kind: "stdout" }];
  const producer = { type: "command", hosts: HOSTS, streams, backup: { tool: "gpcrondump" } };
  await stage.cluster.configure({ plans: { nightly: { producer, targets: ["local"] } } });
  const outcome = await stage.penstock("check");
  expectFailure(outcome, 2, ["plan nightly", "gpcrondump on sdw1", "gpcrondump on sdw2", "hint: "]);
});
