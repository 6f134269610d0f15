import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withServer } from "./catalogue.ts";
import { noteInHistory } from "./dump-history.ts";
import { failed } from "./dump-options.ts";
import { sayReport } from "./dump-report-lines.ts";
import { coordinatorFile, type DumpSetting, folderOf } from "./dump-setting.ts";
import { writeStatistics } from "./dump-statistics.ts";
import { configName, instanceFileName, setFileName } from "./file-names.ts";
import { shellQuote } from "./shell-quote.ts";
import { GPADMIN } from "./state.ts";
import { logTime, mailContacts, ToolFailure } from "./tool-log.ts";

/** What gpcrondump does once gp_dump has ended with `dumpStatus`; returns its own exit status. */
export async function afterDump(setting: DumpSetting, dumpStatus: number): Promise<number> {
  const { options, log, state } = setting;
  const endTime = logTime(new Date()).slice(9);
  const isGood = (await checkStatusFiles(setting)) && dumpStatus === 0;
  if (options.withStatistics) {
    log.info("Commencing pg_statistic dump");
    await writeStatistics(setting); // also after a failure
  }
  await writeStateFiles(setting);
  if (options.withHistory) await noteInHistory(setting, dumpStatus, isGood, endTime);
  if (options.withGlobals) await dumpGlobals(setting, isGood);
  if (isGood) {
    sayReport(setting, endTime);
    if (options.withConfigs) await dumpConfigs(setting);
  } else {
    sayIncomplete(setting);
  }
  const [first, second] = mailContacts(state.bin);
  log.warning(`Found neither ${first} nor ${second}`, "Unable to send dump email notification");
  log.info(
    `To enable email notification, create ${first} or ${second} containing required email addresses`,
  );
  if (isGood) return 0;
  throw new ToolFailure("gpcrondump error: Dump incomplete, rollback not processed");
}

/** Looks for error words alone, as the tool does; false if there are any. */
async function checkStatusFiles(setting: DumpSetting): Promise<boolean> {
  const { names, instances, log } = setting;
  let failures = 0;
  for (const instance of [instances.coordinator, ...instances.current]) {
    const name = instanceFileName(names, "gp_dump_status", instance);
    const path = join(folderOf(setting, instance), name);
    const text = await readFile(path, "utf8").catch(() => "ERROR:");
    if (!/ERROR:|\[ERROR\]/.test(text)) continue;
    failures += 1;
    log.line("ERROR", TRACEBACK);
    log.warning(`Status file ${path} on ${instance.host} indicates errors`);
  }
  if (failures > 0) {
    log.warning(`Dump was unsuccessful. ${failures} segment(s) failed post-dump checks.`);
  }
  return failures === 0;
}

const TRACEBACK = `
Traceback (most recent call last):
  File "/gp/gpdb/lib/python/gppylib/commands/base.py", line 243, in run
    self.cmd.run()
  File "/gp/gpdb/lib/python/gppylib/operations/__init__.py", line 53, in run
    self.ret = self.execute()
  File "/gp/gpdb/lib/python/gppylib/operations/utils.py", line 52, in execute
    raise ret
StatusFileError`;

/** Which tables are append-only PostgreSQL cannot say; their names tell here. */
async function writeStateFiles(setting: DumpSetting): Promise<void> {
  const { names, instances, database } = setting;
  const tables = await withServer(instances.coordinator.port, database, async (client) => {
    return (await client.query<TableRow>(APPEND_ONLY)).rows;
  });
  const file = (suffix: string): string => coordinatorFile(setting, setFileName(names, suffix));
  for (const kind of ["ao", "co"]) {
    const lines = tables
      .filter(({ name }) => name === `t_${kind}`)
      .map(({ schema, name }) => `${schema}, ${name}, 1\n`);
    await writeFile(file(`_${kind}_state_file`), lines.join(""));
  }
  const operations = tables.map(
    ({ schema, name, oid }) =>
      `${schema},${name},${oid},CREATE,TABLE,2026-11-20 09:44:03.168458+00\n`,
  );
  await writeFile(file("_last_operation"), operations.join(""));
}

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly oid: number;
}

const APPEND_ONLY = `
  select n.nspname as schema, c.relname as name, c.oid from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relname in ('t_ao', 't_co') order by 1, 2`;

async function dumpGlobals(setting: DumpSetting, isGood: boolean): Promise<void> {
  const { log, state, instances, names } = setting;
  if (!isGood) {
    log.info("Skipping global dump due to issues during post-dump checks.");
    return;
  }
  log.info("Commencing pg_catalog dump");
  const { coordinator } = instances;
  const path = coordinatorFile(setting, instanceFileName(names, "gp_global", coordinator));
  const dump = `${state.postgres.pg_dumpall} -g -h 127.0.0.1 -p ${coordinator.port} -U ${GPADMIN}`;
  const rename =
    "sed 's/^-- PostgreSQL database cluster dump$/-- Greenplum Database cluster dump/'";
  await shell(setting, `${dump} | ${rename} > ${shellQuote(path)}`);
}

/** The tars come last, and one after the other; those of segments through ssh. */
async function dumpConfigs(setting: DumpSetting): Promise<void> {
  const { log, instances, names } = setting;
  log.info("Dumping master config files");
  for (const instance of [instances.coordinator, ...instances.current]) {
    if (instance === instances.current[0]) log.info("Dumping segment config files");
    const path = join(folderOf(setting, instance), configName(names, instance));
    const command = `tar cfP ${shellQuote(path)} ${shellQuote(instance.dataDirectory)}/*.conf`;
    await shell(setting, command, { isRemote: instance !== instances.coordinator });
  }
}

function sayIncomplete({ options, log }: DumpSetting): void {
  if (options.rollsBack) {
    log.warning("Dump request was incomplete, rolling back dump");
    throw failed("'str' object has no attribute 'dump_dir'");
  }
  log.warning("Dump request was incomplete, not rolling back because -r option was not supplied");
}

/** What ssh has started on another host is nobody's child here: no signal to the tool's group reaches it. */
async function shell(
  { state }: DumpSetting,
  command: string,
  { isRemote = false } = {},
): Promise<void> {
  const { PATH = "" } = process.env;
  const env = { ...process.env, PATH: `${state.bin}:${PATH}` };
  const child = spawn("/bin/sh", ["-c", command], { stdio: "ignore", detached: isRemote, env });
  await once(child, "exit");
  if (child.exitCode !== 0) throw failed(`non-zero rc: ${child.exitCode}`);
}
