import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { absent } from "./absent.ts";
import { isUnfinished } from "./durable-file.ts";
import { SIGN_SLACK_MS } from "./life-sign.ts";
import { journalFolder, RunJournal } from "./run-journal.ts";
import { stopStrays } from "./stop-strays.ts";

/** The part of a logger that is needed here. */
export interface LeftOverLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Removes what runs have left that died with an agent; call it before the first run. What they had set
 * going is stopped, but for what began when the agent was dead already, and whatever else was blocked at a
 * pipe of theirs is freed. What cannot be removed is logged and tried again at the next start. Cleaning
 * twice is harmless; two agents must not share a state directory.
 */
export async function cleanLeftOvers(stateDirectory: string, log: LeftOverLog): Promise<void> {
  const folder = journalFolder(stateDirectory);
  const names = (await readdir(folder).catch(absent)) ?? [];
  // Whatever such a text was to note had not been made yet.
  for (const name of names.filter(isUnfinished)) await unlink(join(folder, name)).catch(absent);
  for (const name of names.filter((each) => each.endsWith(".json"))) {
    try {
      const journal = await RunJournal.load(stateDirectory, name);
      if (journal === undefined) continue;
      const aliveMs = journal.lastSignMs + SIGN_SLACK_MS;
      await stopStrays({ ...journal.straySearch, aliveMs }, log);
      await journal.removeMade();
      log.info({ run: journal.run }, "removed what a dead run had left");
    } catch (error) {
      log.error({ journal: name, err: error }, "cannot remove what a dead run has left");
    }
  }
}
