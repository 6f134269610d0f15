import { writeSync } from "node:fs";
import { basename } from "node:path";
import { backupData, backupFile } from "./backup.ts";
import { wholeOrBrokenOff } from "./broken-off.ts";
import { Failure } from "./failure.ts";
import { type Options, readOptions } from "./options.ts";
import { restoreData, restoreFile, restoreSubset } from "./restore.ts";
import { type SetupCall, setup } from "./setup.ts";
import { API_VERSION, VERSION } from "./version.ts";

type Command = (args: readonly string[]) => Promise<void> | void;

/** Every command of gpbackup's plugin interface that it calls. */
const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["plugin_api_version", () => print(API_VERSION)],
  ["--version", () => print(`gpbackup_penstock_plugin version ${VERSION}`)],
  ["setup_plugin_for_backup", setupFor("backup")],
  ["setup_plugin_for_restore", setupFor("restore")],
  // Nobody may rely on these being called: the run ends without them.
  ["cleanup_plugin_for_backup", () => {}],
  ["cleanup_plugin_for_restore", () => {}],
  ["backup_data", withOptions(backupData)],
  ["backup_file", withOptions(backupFile)],
  ["restore_data", toStdout(withOptions(restoreData))],
  ["restore_file", withOptions(restoreFile)],
  ["restore_data_subset", toStdout(withOptions(restoreSubset))],
  ["delete_backup", withOptions(deleteBackup)],
]);

/** Runs a command to its end. Throws what has gone wrong, also for one that is not known. */
export async function runCommand([name = "", ...args]: readonly string[]): Promise<void> {
  const command = COMMANDS.get(name);
  if (command !== undefined) return await command(args);
  const known = [...COMMANDS.keys()].join(", ");
  throw new Failure(`unknown command ${JSON.stringify(name)}; known are: ${known}`);
}

/** A command whose first argument is the configuration file; it gets as many more as it takes. */
function withOptions(run: (options: Options, ...args: string[]) => Promise<void>): Command {
  return async ([config, ...args]) => {
    const wanted = run.length - 1;
    if (config === undefined || args.length !== wanted || args.includes("")) {
      throw new Failure(`a configuration file and ${wanted} more arguments are needed`);
    }
    await run(readOptions(config), ...args);
  };
}

/** A command whose output is a table. */
function toStdout(run: Command): Command {
  return async (args) => await wholeOrBrokenOff(() => run(args));
}

/** Also gets the content id, in quotes; for a whole host it is missing. */
function setupFor(kind: SetupCall["kind"]): Command {
  return async ([config, directory, scope]) => {
    if (config === undefined || directory === undefined || scope === undefined) {
      throw new Failure("a configuration file, a folder and a scope are needed");
    }
    const timestamp = basename(directory);
    assertTimestamp(timestamp);
    await setup(readOptions(config), { kind, timestamp, scope });
  };
}

async function deleteBackup(options: Options, timestamp: string): Promise<void> {
  assertTimestamp(timestamp);
  const { deleteBackup: run } = await import("./open-set.ts"); // rarely needed, and slow to load
  await run(options, timestamp);
}

function assertTimestamp(text: string): void {
  if (!/^[0-9]{14}$/.test(text)) throw new Failure(`${text} is no timestamp of a backup`);
}

function print(line: string): void {
  writeSync(1, `${line}\n`);
}
