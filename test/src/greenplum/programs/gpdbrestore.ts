import { runTool } from "../program.ts";
import { restoreDatabase } from "../restore-database.ts";
import { parseRestoreOptions } from "../restore-options.ts";
import { toRestoreSetting } from "../restore-setting.ts";
import type { GreenplumState } from "../state.ts";
import { ToolFailure, ToolLog } from "../tool-log.ts";

/** Stands for gpdbrestore. */
async function main(state: GreenplumState, args: readonly string[]): Promise<number> {
  process.on("SIGINT", () => process.exit(2));
  const log = new ToolLog("gpdbrestore", `${state.coordinator.host}:gpadmin`);
  try {
    const options = parseRestoreOptions(args);
    log.info(`Starting gpdbrestore with args: ${args.join(" ")}`);
    return await restoreDatabase(await toRestoreSetting(state, options, log));
  } catch (error) {
    if (error instanceof ToolFailure) {
      log.line(error.level, error.message);
      return error.status;
    }
    log.line("CRITICAL", `gpdbrestore failed. (Reason='${error}') exiting...`);
    return 2;
  }
}

await runTool(main);
