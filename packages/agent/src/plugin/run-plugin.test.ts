import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { PluginSession } from "@penstock/proto";
import { pino } from "pino";
import { expect, test } from "vitest";
import { EventLog } from "../event-log.ts";
import { cleanLeftOvers } from "../left-overs.ts";
import { RunJournal } from "../run-journal.ts";
import { createFolder } from "../testing.ts";
import { PluginSessions } from "./plugin-sessions.ts";
import { RunPlugin } from "./run-plugin.ts";

const log = pino({ level: "silent" });

/** The plugin's side of a run whose agent serves this socket. */
async function openPlugin(
  stateDirectory: string,
  socket: string,
  journal?: RunJournal,
): Promise<RunPlugin> {
  const plugin = { socket, executable: "/plugin", sessions: new PluginSessions("sdw1", log) };
  const record = journal ?? (await RunJournal.open(stateDirectory, "run"));
  const owner = { run: "run", plan: "nightly" };
  return new RunPlugin(owner, { stateDirectory, plugin }, record, new EventLog());
}

test("an agent without a socket refuses a run for plugin processes, also when it is only checked", async () => {
  await using folder = await createFolder();
  const plugin = await openPlugin(folder.path, "");
  for (const checkOnly of [true, false]) {
    await expect(
      plugin.open(PluginSession.create({ writeConfig: true }), { checkOnly }),
    ).rejects.toMatchObject({
      code: "usage",
      hint: "remove plugin: off from its configuration",
    });
  }
});

test("a check makes nothing", async () => {
  await using folder = await createFolder();
  const plugin = await openPlugin(folder.path, "/s");
  expect(await plugin.open(PluginSession.create({ writeConfig: true }), { checkOnly: true })).toBe(
    "",
  );
  expect(await readdir(folder.path)).toEqual(["runs"]);
});

test("the configuration that a killed agent has left is removed by its next start", async () => {
  await using folder = await createFolder();
  const plugin = await openPlugin(folder.path, "/s");
  const path = await plugin.open(PluginSession.create({ writeConfig: true }), { checkOnly: false });
  expect(path).toBe(join(folder.path, "penstock-run.yaml"));
  expect((await lstat(path)).isFile()).toBe(true);
  await cleanLeftOvers(folder.path, log);
  await expect(lstat(path)).rejects.toThrow("ENOENT");
});

test("a run that has ended takes no processes any more, and writes nothing", async () => {
  await using folder = await createFolder();
  const plugin = await openPlugin(folder.path, "/s");
  plugin.abort("gpbackup was killed");
  const opened = plugin.open(PluginSession.create({ writeConfig: true }), { checkOnly: false });
  await expect(opened).rejects.toMatchObject({ code: "not_found" });
  expect(await readdir(folder.path)).toEqual(["runs"]);
});

test("a configuration that is being written when the run ends is settled, and then removed", async () => {
  await using folder = await createFolder();
  const journal = await RunJournal.open(folder.path, "run");
  const plugin = await openPlugin(folder.path, "/s", journal);
  const opened = plugin.open(PluginSession.create({ writeConfig: true }), { checkOnly: false });
  plugin.abort("gpbackup was killed");
  await plugin.settled();
  await journal.removeMade();
  await expect(lstat(await opened)).rejects.toThrow("ENOENT");
});
