import type { CommandModule } from "yargs";
import { gpbackupDeleteCommand } from "./gpbackup-delete.ts";
import { gpbackupBackupCommand, gpbackupRestoreCommand } from "./gpbackup-serve.ts";
import type { GlobalArguments } from "./options.ts";

/** `penstock gpbackup`: what the storage plugin starts for a gpbackup that somebody runs by hand. */
export const gpbackupCommand: CommandModule<GlobalArguments, GlobalArguments> = {
  command: "gpbackup",
  describe:
    "Serve a gpbackup or gprestore that was started by hand; its plugin does this by itself",
  builder: (yargs) =>
    yargs
      .command(gpbackupBackupCommand)
      .command(gpbackupRestoreCommand)
      .command(gpbackupDeleteCommand)
      .demandCommand(1, "name what to do: backup, restore or delete"),
  handler() {},
};
