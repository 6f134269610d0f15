import type { DumpSetting } from "./dump-setting.ts";

const RULE = "---------------------------------------------------";

/** The lines by which gpcrondump ends a run that it takes for good. */
export function sayReport(setting: DumpSetting, endTime: string): void {
  const { log, names, database, options } = setting;
  const [hours, minutes, seconds] = [8, 10, 12].map((from) => names.key.slice(from, from + 2));
  const facts = {
    "Target database": database,
    "Dump subdirectory": names.key.slice(0, 8),
    "Dump type": "Full database",
    "Clear old dump directories": "Off",
    "Dump start time": `${hours}:${minutes}:${seconds}`, // of the key, not of the clock
    "Dump end time": endTime,
    Status: "COMPLETED",
    "Dump key": names.key,
    "Dump file compression": options.isCompressed ? "On" : "Off",
    "Vacuum mode type": "Off",
  };
  log.info("Dump status report", RULE);
  for (const [name, value] of Object.entries(facts)) log.info(`${name.padEnd(40)} = ${value}`);
  log.info("Exit code zero, no warnings generated", RULE);
}
