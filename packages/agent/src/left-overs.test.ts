import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanLeftOvers } from "./left-overs.ts";
import { makeAllFifos } from "./make-places.ts";
import { journalFolder, RunJournal } from "./run-journal.ts";
import { createFolder, isWaiting, nodeModule, SOURCES, shell } from "./testing.ts";

const AGENT = `
const { makeAllFifos, makeParents } = await import("${SOURCES}/make-places.ts");
const { RunJournal } = await import("${SOURCES}/run-journal.ts");
const { FileWriter } = await import("${SOURCES}/file-writer.ts");
const [state, folder] = process.argv.slice(1);
const journal = await RunJournal.open(state, "20240101000000");
await makeParents(journal, [folder + "/set/deep/pipe"]);
await makeAllFifos(journal, [{ path: folder + "/set/deep/pipe", mode: 0o600 }]);
const restored = await FileWriter.create(folder + "/set/restored", 0o600, journal);
await restored.write(Buffer.from("x"));
await restored.end();
const half = await FileWriter.create(folder + "/set/half", 0o600, journal);
await half.write(Buffer.from("x"));
console.log("made");
process.stdin.resume();
`;

function recordingLog(): { lines: string[]; info: Say; error: Say } {
  const lines: string[] = [];
  const say: Say = (_, message) => void lines.push(message);
  return { lines, info: say, error: say };
}

type Say = (fields: object, message: string) => void;

test("what a killed agent has left is removed, and a tool blocked at its pipe is freed", async () => {
  await using folder = await createFolder();
  const [state, data] = [join(folder.path, "state"), join(folder.path, "data")];
  await using agent = nodeModule(AGENT, state, data);
  expect(await agent.line()).toBe("made");
  process.kill(agent.pid, "SIGKILL");
  await agent.exited;
  await using tool = shell('echo going; exec cat /dev/zero > "$1"', join(data, "set/deep/pipe"));
  await tool.line();
  await expect.poll(() => isWaiting(tool.pid)).toBe(true);
  const log = recordingLog();
  await cleanLeftOvers(state, log);
  expect(await tool.exited).toEqual({ code: null, signal: "SIGPIPE" });
  expect(await readdir(folder.path)).toEqual(["state"]);
  expect(await readdir(journalFolder(state))).toEqual([]);
  await cleanLeftOvers(state, log);
  expect(log.lines).toEqual(["removed what a dead run had left"]);
});

test("what a database server has started for a killed agent's tool is stopped at the next start", async () => {
  await using folder = await createFolder();
  const [state, path] = [join(folder.path, "state"), join(folder.path, "pipe")];
  const stray = `dump --k ${process.pid}${Date.now()}_`;
  const journal = await RunJournal.open(state, "run");
  await makeAllFifos(journal, [{ path, mode: 0o600 }]);
  await journal.recordStrays({ strays: [stray], pipes: [path] });
  // One process: a child would have the same command line until it has become another program.
  const writing =
    'trap "" PIPE; echo ready; exec 3> "$1" 2> /dev/null; while :; do echo x >&3; done';
  await using writer = shell(writing, path, stray);
  await writer.line();
  const log = recordingLog();
  await cleanLeftOvers(state, log);
  expect(await writer.exited).toEqual({ code: null, signal: "SIGTERM" });
  expect(log.lines).toEqual(["stray process stopped", "removed what a dead run had left"]);
  expect(await readdir(folder.path)).toEqual(["state"]);
});

test("a journal that cannot be read is told and kept, and the others are cleaned", async () => {
  await using folder = await createFolder();
  await using agent = nodeModule(AGENT, folder.path, join(folder.path, "data"));
  await agent.line();
  await writeFile(join(journalFolder(folder.path), "bad.json"), '{"version": 1');
  const log = recordingLog();
  await cleanLeftOvers(folder.path, log);
  expect(log.lines.sort()).toEqual([
    "cannot remove what a dead run has left",
    "removed what a dead run had left",
  ]);
  expect(await readdir(journalFolder(folder.path))).toEqual(["bad.json"]);
  expect(await readdir(folder.path)).toEqual(["runs"]);
});

test("an agent that was killed while it wrote a journal leaves nothing either", async () => {
  await using folder = await createFolder();
  await mkdir(journalFolder(folder.path));
  await writeFile(join(journalFolder(folder.path), "20240101000000.json.tmp"), '{"version"');
  const log = recordingLog();
  await cleanLeftOvers(folder.path, log);
  expect(await readdir(journalFolder(folder.path))).toEqual([]);
  expect(log.lines).toEqual([]);
});

test("where no run has ever been there is nothing to clean", async () => {
  const log = recordingLog();
  await cleanLeftOvers("/nowhere/state", log);
  expect(log.lines).toEqual([]);
});

test("what began long after the agent had died is another's, whatever its command line says", async () => {
  await using folder = await createFolder();
  const stray = `restore --k ${process.pid}${Date.now()}_`;
  const journal = await RunJournal.open(folder.path, "run");
  await journal.recordStrays({ strays: [stray], pipes: [] });
  const then = new Date(Date.now() - 600_000);
  await utimes(join(journalFolder(folder.path), "run.json"), then, then);
  await using other = shell("echo ready; read -r x; exit 7", stray);
  await other.line();
  const log = recordingLog();
  await cleanLeftOvers(folder.path, log);
  expect(log.lines).toEqual(["removed what a dead run had left"]);
  other.say("");
  expect(await other.exited).toEqual({ code: 7, signal: null });
});
