import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataName } from "./file-names.ts";
import { restoreFailed } from "./restore-options.ts";
import { type RestoreSetting, restoreFolder } from "./restore-setting.ts";
import { GPADMIN } from "./state.ts";

/** Everything, or what `-m` leaves of it. */
export async function restoreAll(setting: RestoreSetting): Promise<void> {
  const { log, options, instances, names } = setting;
  const { coordinator } = instances;
  if (options.isMetadataOnly) {
    const path = join(restoreFolder(setting, coordinator), dataName(names, coordinator));
    log.info("Running metadata restore");
    await runPass(setting, ["-s", path], "Invoking commandline: ");
  } else {
    await runPass(setting, []);
  }
}

/** Three passes: the tables, their rows, and what comes after them. */
export async function restoreTables(setting: RestoreSetting): Promise<void> {
  const { log, tables, state, names, instances } = setting;
  const { coordinator } = instances;
  const list = join(state.scratch, `table_list_${names.key}`);
  await writeFile(list, tables.map((name) => `${name}\n`).join(""));
  const filter = `--gp-f=${list}`;
  const metadata = join(restoreFolder(setting, coordinator), dataName(names, coordinator));
  log.info("Running metadata restore");
  await runPass(setting, [filter, "-s", metadata, "-P"], "Invoking commandline: ");
  log.info("Expanding parent partitions if any in table filter");
  await runPass(setting, [filter, "-a"]);
  log.info("Running post data restore");
  await runPass(setting, [filter, "-P"]);
}

/** Runs gp_restore in our own process group. Errors that it found are only warned of. */
async function runPass(
  setting: RestoreSetting,
  more: readonly string[],
  intro = "gp_restore commandline: ",
): Promise<void> {
  const { state, options, instances, names, database, log } = setting;
  const { coordinator } = instances;
  const folder = restoreFolder(setting, coordinator);
  const relative = join("db_dumps", names.key.slice(0, 8));
  const filter = more.filter((word) => word.startsWith("--gp-f="));
  const rest = more.filter((word) => !word.startsWith("--gp-f="));
  const args = [
    ...["-i", "-h", coordinator.host, "-p", String(coordinator.port), "-U", GPADMIN],
    `--gp-d=${options.root === undefined ? relative : folder}`,
    ...["--gp-i", `--gp-k=${names.key}`, "--gp-l=p", `--gp-r=${folder}`, `--status=${folder}`],
    ...(names.prefix === "" ? [] : [`--prefix=${names.prefix}`]),
    ...filter,
    ...(names.isCompressed ? ["--gp-c"] : []),
  ];
  const tail = intro.startsWith("gp_restore") ? ": " : "";
  const shown = [...args, "-d", `"${database}"`, ...rest].join(" ");
  log.info(`${intro}gp_restore ${shown}${tail}`);
  const naming = `--naming=${names.naming}`; // ours alone
  const program = join(state.bin, "gp_restore");
  const child = spawn(program, [...args, "-d", database, ...rest, naming], { stdio: "ignore" });
  await once(child, "exit");
  if (child.exitCode === 2) {
    log.warning(
      "gpdbrestore finished but ERRORS were found, please check the restore report file for details",
    );
  } else if (child.exitCode === 0) {
    log.info("gpdbrestore finished successfully");
  } else {
    throw restoreFailed("gpdbrestore finished unsuccessfully");
  }
}
