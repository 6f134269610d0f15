import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withServer } from "./catalogue.ts";
import { recreateDatabase } from "./cluster-data.ts";
import { instanceFileName } from "./file-names.ts";
import { assertFiles, assertTables, listTables } from "./restore-checks.ts";
import { sayParameters } from "./restore-parameters.ts";
import { restoreAll, restoreTables } from "./restore-passes.ts";
import { type RestoreSetting, restoreFolder } from "./restore-setting.ts";
import { GPADMIN } from "./state.ts";

/** A run of gpdbrestore; returns its exit status. */
export async function restoreDatabase(setting: RestoreSetting): Promise<number> {
  const { options, log, tables } = setting;
  await assertFiles(setting);
  if (options.listsTables) return await listTables(setting);
  if (tables.length > 0) await assertTables(setting);
  sayParameters(setting);
  if (options.withGlobals) {
    log.info("Commencing restore of global objects");
    await runSql(setting, coordinatorPath(setting, "gp_global"), "postgres");
  }
  if (options.dropsDatabase) await dropAndCreate(setting);
  if (tables.length > 0) await restoreTables(setting);
  else await restoreAll(setting);
  log.info("Updating AO/CO statistics on master");
  if (options.withStatistics) await restoreStatistics(setting);
  else await analyze(setting);
  return 0;
}

async function dropAndCreate(setting: RestoreSetting): Promise<void> {
  const { log, database, options, instances } = setting;
  const { coordinator, current } = instances;
  log.info(`Dropping Database ${database}`);
  await Promise.all(
    [coordinator, ...current].map(({ port }) =>
      withServer(port, "postgres", (client) => recreateDatabase(client, database, false)),
    ),
  );
  log.info(`Dropped Database ${database}`);
  if (options.redirect === undefined) {
    const path = coordinatorPath(setting, "gp_cdatabase");
    log.info(`Invoking sql file: ${path}`);
    await runSql(setting, path, "postgres");
  } else {
    log.info(`Creating Database ${database}`);
    await withServer(coordinator.port, "postgres", (c) => recreateDatabase(c, database, true));
    log.info(`Created Database ${database}`);
  }
  // On a real cluster the coordinator has its segments do the same.
  await Promise.all(
    current.map(({ port }) =>
      withServer(port, "postgres", (client) => recreateDatabase(client, database, true)),
    ),
  );
}

/** A copy of the statistics, with values of the data, stays behind. */
async function restoreStatistics(setting: RestoreSetting): Promise<void> {
  const { log, state, names, instances, database } = setting;
  log.info("Commencing restore of statistics");
  const name = instanceFileName(names, "gp_statistics", instances.coordinator);
  const copy = join(state.scratch, name);
  const source = coordinatorPath(setting, "gp_statistics");
  const isPipe = (await stat(source)).isFIFO();
  if (isPipe) await writeFile(copy, await readFile(source));
  else await copyFile(source, copy);
  await runSql(setting, copy, database);
}

async function analyze({
  log,
  options,
  instances,
  database,
  tables,
}: RestoreSetting): Promise<void> {
  if (!options.withAnalyze) {
    const rule = "-".repeat(98);
    const warning =
      "Analyze bypassed on request; database performance may be adversely impacted until analyze is done.";
    log.warning(rule, warning, rule);
    return;
  }
  const ofTables = tables.length > 0;
  log.info(
    ofTables
      ? `Commencing analyze of restored tables in '${database}' database, please wait`
      : `Commencing analyze of ${database} database, please wait`,
  );
  await withServer(instances.coordinator.port, database, (client) => client.query("analyze"));
  log.info(
    ofTables
      ? `'Analyze' of restored tables in '${database}' database completed without error`
      : `Analyze of ${database} completed without error`,
  );
}

function coordinatorPath(setting: RestoreSetting, kind: string): string {
  const { names, instances } = setting;
  const name = instanceFileName(names, kind, instances.coordinator);
  return join(restoreFolder(setting, instances.coordinator), name);
}

/** Runs a file or pipe of SQL; errors in it are nobody's concern. */
async function runSql(
  { state, instances }: RestoreSetting,
  path: string,
  database: string,
): Promise<void> {
  const port = String(instances.coordinator.port);
  const args = ["-X", "-q", "-h", "127.0.0.1", "-p", port, "-U", GPADMIN, "-d", database];
  const child = spawn(state.postgres.psql, [...args, "-f", path], { stdio: "ignore" });
  await once(child, "exit");
}
