import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { TempDir } from "../harness/temp-dir.ts";
import type { BackupConfig } from "./backup-config.ts";
import { GpbackupCluster } from "./cluster.ts";
import { guardFile } from "./limits.ts";
import { type PluginCall, RecordingPlugin } from "./recording-plugin.ts";
import { readYaml, type SegmentToc, type Toc } from "./toc.ts";

const signal = guardFile();
let temp: TempDir;
let cluster: GpbackupCluster;
let plugin: RecordingPlugin;
let config: string;

beforeAll(async () => {
  temp = await TempDir.create();
  const dir = join(temp.path, "gp");
  cluster = await GpbackupCluster.start({ dir, segments: ["sdw1", "sdw1", "sdw2"] }, signal);
  await cluster.createDatabase("gpb");
  plugin = await RecordingPlugin.create(join(temp.path, "plugin"));
  config = await plugin.writeConfig(join(temp.path, "plugin.yaml"), {
    socket: "/run/agent.sock",
  });
});

afterEach(async () => await plugin.reset());

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

async function backUp(...flags: string[]): Promise<string> {
  const args = ["--dbname", "gpb", "--plugin-config", config, ...flags];
  const outcome = await cluster.run("gpbackup", args, signal);
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
  return GpbackupCluster.timestampOf(outcome);
}

async function restore(timestamp: string, database: string, ...flags: string[]): Promise<void> {
  const args = ["--timestamp", timestamp, "--plugin-config", config, ...flags];
  const redirect = ["--create-db", "--redirect-db", database];
  const outcome = await cluster.run("gprestore", [...args, ...redirect], signal);
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
}

async function sample(name: string): Promise<string> {
  return await readFile(join(import.meta.dirname, "samples", name), "utf8");
}

test.each([
  { mode: "multi", flags: ["--jobs", "2", "--with-stats"] },
  { mode: "single", flags: ["--single-data-file", "--no-compression"] },
])("the plugin is called as the real programs call it, $mode file", async ({ mode, flags }) => {
  const timestamp = await backUp(...flags);
  expect(toPhases((await plugin.calls()).map(toLine))).toEqual(
    toPhases(toLines(await sample(`${mode}-backup.calls`))),
  );
  await plugin.reset();
  await restore(
    timestamp,
    `${mode}_copy`,
    ...flags.filter((flag) => !/single|compression/.test(flag)),
  );
  expect(toPhases((await plugin.calls()).map(toLine))).toEqual(
    toPhases(toLines(await sample(`${mode}-restore.calls`))),
  );
});

test("each kind of call has the environment that the real one has, and no other", async () => {
  const [local, login, database] = await Promise.all(
    ["local.env", "login.env", "database.env"].map(async (name) => toLines(await sample(name))),
  );
  await backUp();
  await backUp("--single-data-file");
  const envOf = (call: PluginCall): string[] | undefined => {
    if (call.argv.includes("master") || isOfCoordinator(call)) return local;
    return call.command === "backup_data" && call.cwd.includes("gpseg") ? database : login;
  };
  const isOfBash = (name: string): boolean => ["_", "SHLVL", "OLDPWD"].includes(name);
  const calls = (await plugin.calls()).filter(({ command }) => command !== "--version");
  expect(calls.filter(({ command }) => command === "backup_data")).toHaveLength(7 * 3 + 3);
  for (const call of calls) {
    expect({ ...call, env: call.env.filter((name) => !isOfBash(name)).sort() }).toEqual({
      ...call,
      env: envOf(call),
    });
  }
});

test("what differs on a host reaches the calls there, and the database's programs as it is told", async () => {
  await cluster.setHosts({
    mdw: { env: { WHERE: "mdw" } },
    sdw1: { env: { WHERE: "sdw1" }, databaseEnv: {} },
    sdw2: { env: { WHERE: "sdw2" } },
  });
  await backUp();
  await cluster.setHosts({ mdw: { env: {} }, sdw1: { env: {} }, sdw2: { env: {} } });
  const data = (await plugin.calls()).filter(({ command }) => command === "backup_data");
  const others = (await plugin.calls()).filter(({ command }) => command !== "backup_data");
  expect(others.every(({ env }) => env.includes("WHERE"))).toBe(true);
  for (const { cwd, env } of data) {
    expect(env.includes("WHERE")).toBe(cwd === cluster.segments[2]?.dataDir);
  }
});

test("the files of a backup have the real ones' fields", async () => {
  const timestamp = await backUp("--single-data-file", "--no-compression");
  const read = async <T>(name: string): Promise<T> => await readYaml(plugin.storedPath(name));
  const ours = await read<BackupConfig>(`gpbackup_${timestamp}_config.yaml`);
  const real = parse(await sample("config.yaml"));
  expect(Object.keys(ours)).toEqual(Object.keys(real));
  expect(ours).toMatchObject({
    timestamp,
    status: "Success",
    segmentcount: 3,
    plugin: "recplugin",
  });
  const [plan] = real.restoreplan;
  expect(ours.restoreplan).toEqual([{ ...plan, timestamp, tablefqns: expect.any(Array) }]);
  const toc = await read<Toc>(`gpbackup_${timestamp}_toc.yaml`);
  expect(toc.dataentries).toMatchObject([
    { schema: "public", name: "t_heap", attributestring: "(id,grp,txt,ts)", rowscopied: 900 },
    { name: "t_ao" },
    { name: "t_binary" },
    { schema: "s2", name: "t_random" },
    { name: "t_empty", rowscopied: 0 },
    { name: '"We ird"', attributestring: '(id,"Col One")' },
    { name: '"Größe ""x"" y"' },
  ]);
  const segment = await read<SegmentToc>(`gpbackup_1_${timestamp}_toc.yaml`);
  const entries = Object.values(segment.dataentries);
  const data = await readFile(plugin.storedPath(`gpbackup_1_${timestamp}`));
  expect(entries.at(-1)?.endbyte).toBe(data.length);
});

test("each host's copy of the plugin configuration has a port of that host, and one is stored", async () => {
  const timestamp = await backUp();
  const { options } = parse(await sample("plugin-config.yaml"));
  for (const host of ["sdw1", "sdw2"]) {
    const copy = await readFile(join(cluster.tmpDir(host), `${timestamp}_plugin.yaml`), "utf8");
    const port = cluster.segments.findLast((segment) => segment.host === host)?.port;
    expect(parse(copy)).toEqual({
      executablepath: plugin.path,
      options: { ...options, pgport: `${port}` },
    });
  }
  expect(await plugin.stored()).toContain(`gpbackup_${timestamp}_plugin_config.yaml`);
});

function isOfCoordinator({ command, argv }: PluginCall): boolean {
  return command === "backup_file" && argv[2]?.startsWith(cluster.coordinator.dataDir) === true;
}

function toLines(text: string): string[] {
  return text.trimEnd().split("\n");
}

function toLine({ cwd, argv }: PluginCall): string {
  return `${cwd} ${argv.map((word) => `[${word}]`).join(" ")}`;
}

/** Lines that tell where and how, without what differs from run to run; calls at one time are sorted. */
function toPhases(lines: readonly string[]): string[][] {
  const oids = lines.flatMap((line) => /_\d{14}_(\d+)\.gz/.exec(line)?.[1] ?? []).map(Number);
  const byOid = [...new Set(oids)].sort((a, b) => a - b);
  const phases: { key: string; lines: string[] }[] = [];
  for (const line of lines) {
    const plain = line
      .replace(/_(\d+)\.gz/, (_, oid) => `_table${byOid.indexOf(Number(oid))}.gz`)
      .replace(/\d{8}\/\d{14}/g, "DAY/TIME")
      .replaceAll(/\d{14}/g, "TIME")
      .replaceAll(/\/\S*\/(gpseg-?\d+)/g, "$1")
      .replaceAll(/\[\/\S*\/(TIME_plugin\.yaml)/g, "[$1")
      .replace(/^\S*\/home/, "home");
    const key = plain.replace(/^\S+/, "").replaceAll(/gpseg\S+\/|_\d+|table\d+|"\d+"/g, "");
    if (phases.at(-1)?.key !== key) phases.push({ key, lines: [] });
    phases.at(-1)?.lines.push(plain);
  }
  return phases.map((phase) => phase.lines.sort());
}
