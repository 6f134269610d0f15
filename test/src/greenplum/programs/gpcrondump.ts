import { join } from "node:path";
import { dumpDatabase } from "../dump-database.ts";
import { writeLists } from "../dump-lists.ts";
import { parseDumpOptions } from "../dump-options.ts";
import { toDumpSetting } from "../dump-setting.ts";
import { takePidLock } from "../pid-lock.ts";
import { runTool } from "../program.ts";
import type { GreenplumState } from "../state.ts";
import { ToolFailure, ToolLog } from "../tool-log.ts";

/** Stands for gpcrondump. A SIGTERM ends it at once and nothing else with it. */
async function main(state: GreenplumState, args: readonly string[]): Promise<number> {
  const lock = await takePidLock(join(state.coordinator.dataDirectory, "gpcrondump.pid"));
  if (typeof lock === "number") {
    const text = `An instance of gpcrondump is already running (pid ${lock})`;
    new ToolLog("gpcrondump", "default").line("ERROR", text);
    return 0; // it says nothing of a backup
  }
  await using _ = lock;
  process.on("SIGINT", () => process.exit(2));
  const log = new ToolLog("gpcrondump", `${state.coordinator.host}:gpadmin`);
  try {
    log.info(`Starting gpcrondump with args: ${args.join(" ")}`);
    const setting = await toDumpSetting(state, parseDumpOptions(args), args, log);
    if (!setting.options.isListing) return await dumpDatabase(setting);
    await writeLists(setting);
    return 0;
  } catch (error) {
    if (error instanceof ToolFailure) {
      log.line(error.level, error.message);
      return error.status;
    }
    log.line("CRITICAL", `gpcrondump failed. (Reason='${error}') exiting...`);
    return 2;
  }
}

await runTool(main);
