import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveControl } from "./control-server.ts";
import { Journal } from "./journal.ts";
import { journalHead } from "./journal-samples.ts";
import { pruneRunFolders } from "./prune-run-folders.ts";
import { createRunFolder, listRunFolders, type RunFolder } from "./run-folder.ts";
import type { RunSnapshot } from "./run-snapshot.ts";

const KEPT = 200;
const never = new AbortController().signal;

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "prune-"));
});
afterEach(() => rm(dir, { recursive: true }));

/** As many runs as are kept, and these older ones. */
async function createRuns(older: number): Promise<RunFolder[]> {
  const all = Array.from({ length: KEPT + older }, (_, index) => `2026112010${1000 + index}`);
  const folders: RunFolder[] = [];
  for (const run of all) folders.push(await createRunFolder(dir, "warehouse", run));
  return folders.slice(0, older);
}

const left = async (): Promise<string[]> =>
  (await listRunFolders(dir, "warehouse")).slice(KEPT).map(({ run }) => run);

test("the oldest folders are removed, also beside one that cannot be read", async () => {
  const [unreadable, damaged, ended] = (await createRuns(3)) as [RunFolder, RunFolder, RunFolder];
  await writeFile(join(ended.path, "log.jsonl"), "{}\n");
  await writeFile(join(damaged.path, "journal.jsonl"), "{}\n");
  await rm(unreadable.path, { recursive: true });
  await writeFile(unreadable.path, "no folder");
  await pruneRunFolders(dir, "warehouse", never);
  expect(await left()).toEqual([damaged.run, unreadable.run]);
});

test("a run that goes on is kept, and one that can be resumed", async () => {
  const [resumable, running] = (await createRuns(2)) as [RunFolder, RunFolder];
  await using _journal = await Journal.create(resumable, journalHead(resumable.run), () => {});
  await using _server = await serveControl(running, {
    snapshot: () => ({ run: running.run }) as RunSnapshot,
    cancel() {},
    throttle() {},
  });
  await pruneRunFolders(dir, "warehouse", never);
  expect(await left()).toEqual([running.run, resumable.run]);
});
