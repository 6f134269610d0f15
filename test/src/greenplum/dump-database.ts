import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { withServer } from "./catalogue.ts";
import { ClassLock } from "./class-lock.ts";
import { afterDump } from "./dump-after.ts";
import { assertIsNewest, assertIsTime } from "./dump-key.ts";
import { failed } from "./dump-options.ts";
import { coordinatorFile, type DumpSetting, folderOf } from "./dump-setting.ts";
import { setFileName } from "./file-names.ts";
import { GPADMIN } from "./state.ts";
import { ToolFailure } from "./tool-log.ts";

/** How many a machine without room for a dump is said to have. */
const FREE_KILOBYTES = 1;

/** A run of gpcrondump that dumps; returns its exit status. */
export async function dumpDatabase(setting: DumpSetting): Promise<number> {
  const { options, names, instances, log, database } = setting;
  assertIsTime(names.key);
  if (options.isIncremental) throw failed("no incremental dump with a stand-in");
  if (options.hasPrompt && !(await isConfirmed())) return 4;
  await assertIsNewest(
    options.root ?? instances.coordinator.dataDirectory,
    names.prefix,
    names.key,
  );
  await checkDiskSpace(setting);
  await makeFolders(setting);
  await assertDatabase(setting);
  log.info(
    "Configuring for single database dump",
    `Creating filter file: ${coordinatorFile(setting, setFileName(names, "_table"))}`,
  );
  const filter = await filterOptions(setting);
  if (options.isCompressed) log.info("Adding compression parameter");
  log.info("Adding --no-expand-children");
  const status = await runDump(setting, filter);
  log.line(status === 0 ? "INFO" : "WARNING", `Dump process returned exit code ${status}`);
  log.info(`Timestamp key = ${names.key}`, "Checked master status file and master dump file.");
  return await afterDump({ ...setting, database }, status);
}

async function isConfirmed(): Promise<boolean> {
  process.stdout.write("\nContinue with Greenplum dump Yy|Nn (default=N):\n> ");
  for await (const line of createInterface({ input: process.stdin })) return /^y/i.test(line);
  return false;
}

async function checkDiskSpace({ options, state, instances, log }: DumpSetting): Promise<void> {
  if (options.skipsDiskCheck) {
    log.info("Bypassing disk space check as '-b' option is specified");
    return;
  }
  if (!state.settings.lacksDiskSpace) return;
  for (const { host } of instances.current) {
    const need = FREE_KILOBYTES * 1000;
    log.line(
      "ERROR",
      `${host} has insufficient disk space. [Need: ${need}K, Free ${FREE_KILOBYTES}K]`,
    );
  }
  const count = instances.current.length;
  throw new ToolFailure(
    `gpcrondump error: Cannot continue. ${count} segment(s) failed disk space checks`,
  );
}

async function makeFolders(setting: DumpSetting): Promise<void> {
  const { instances, options, log } = setting;
  const folder = folderOf(setting, instances.coordinator);
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isThere) log.info(`Directory ${folder} exists`);
  else log.info(`Directory ${folder} not found, will try to create`, `Created ${folder}`);
  for (const instance of [instances.coordinator, ...instances.current]) {
    await mkdir(folderOf(setting, instance), { recursive: true });
  }
  log.info(`Checked ${options.root ?? instances.coordinator.dataDirectory} on master`);
}

async function assertDatabase({ instances, database }: DumpSetting): Promise<void> {
  const found = await withServer(instances.coordinator.port, "postgres", async (client) => {
    return await client.query("select 1 from pg_database where datname = $1", [database]);
  });
  if (found.rowCount === 0) {
    throw new ToolFailure(`gpcrondump error: Database ${database} does not exist.`);
  }
}

/** Options of gp_dump for a filter, whose names go into a file. */
async function filterOptions(setting: DumpSetting): Promise<string[]> {
  const { options, names, state } = setting;
  if (!options.filter) return [];
  const { kind, of, names: listed } = options.filter;
  const text = listed.map((name) => `${name}\n`).join("");
  const path = join(state.scratch, `${kind}_dump_${of}s_file_${names.key}`);
  await writeFile(path, text);
  if (of === "table" && names.naming === "5") {
    await writeFile(coordinatorFile(setting, setFileName(names, "_table")), text);
  }
  if (of === "table" && names.prefix !== "") {
    await writeFile(coordinatorFile(setting, setFileName(names, "_filter")), text);
  }
  return [`--${kind === "include" ? "" : "exclude-"}${of}-file=${path}`];
}

/** Runs gp_dump in our own process group, under the lock; returns its exit status. */
async function runDump(setting: DumpSetting, filter: readonly string[]): Promise<number> {
  const { state, options, names, instances, log, database } = setting;
  const folder = folderOf(setting, instances.coordinator);
  const args = [
    ...["-p", String(instances.coordinator.port), "-U", GPADMIN],
    `--gp-d=${options.root === undefined ? join("db_dumps", names.key.slice(0, 8)) : folder}`,
    ...[`--gp-r=${folder}`, "--gp-s=p", `--gp-k=${names.key}`, "--no-lock"],
    ...(options.isCompressed ? ["--gp-c"] : []),
    ...(names.prefix === "" ? [] : [`--prefix=${names.prefix}`]),
    "--no-expand-children",
  ];
  const shown = ["gp_dump", ...args, `"${database}"`, ...filter].join(" ");
  log.info(`Dump process command line ${shown}`, "Starting Dump process");
  const lockFile = join(folder, `gp_lockfile_${names.key.slice(8)}`);
  await using lock = await ClassLock.take(instances.coordinator.port, database);
  const watch = lock.releaseWhenThere(lockFile, state.settings.lockPollMs, () =>
    log.info("Releasing pg_class lock"),
  );
  const child = spawn(join(state.bin, "gp_dump"), [...args, database, ...filter], {
    stdio: "ignore",
  });
  await once(child, "exit");
  watch.stop();
  await rm(lockFile, { force: true });
  return child.exitCode ?? 1;
}
