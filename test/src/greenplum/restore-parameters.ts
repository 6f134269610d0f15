import type { RestoreSetting } from "./restore-setting.ts";

const RULE = "------------------------------------------";

/** The lines by which gpdbrestore says what it is about to do. */
export function sayParameters({ log, options, names, source, tables }: RestoreSetting): void {
  const say = (name: string, value: string): void => log.info(`${name.padEnd(26)} = ${value}`);
  const ofTables = tables.length > 0;
  log.info(RULE, "Greenplum database restore parameters", RULE);
  say("Restore type", ofTables ? "Table Restore" : "Full Database");
  if (ofTables) {
    say("Database name", source);
    log.info(RULE, "Table restore list", RULE);
    for (const table of tables) say("Table", table);
    say("Restore method", "Specific table restore");
  } else {
    say("Database to be restored", source);
    say("Drop and re-create db", options.dropsDatabase ? "On" : "Off");
    say("Restore method", "Restore specific timestamp");
  }
  if (options.redirect !== undefined) say("Redirect Restore database", options.redirect);
  say("Restore timestamp", names.key);
  say("Restore compressed dump", names.isCompressed ? "On" : "Off");
  say("Restore global objects", options.withGlobals ? "On" : "Off");
  say("Array fault tolerance", "n");
  log.info(RULE);
}
