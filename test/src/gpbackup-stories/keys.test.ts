import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type Child, type Outcome, run } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import { openGpbackup } from "./gpbackup-stage.ts";

const TIMESTAMP = "20261120095538";
const OTHER = "20261120095539";

const stage = openGpbackup({});

/** Calls the plugin on the coordinator, as gpbackup would. */
async function plugin(...words: string[]): Promise<Outcome> {
  const [command = "", ...args] = words;
  const env = { ...process.env, PENSTOCK_PLUGIN_SOCKET: stage.socketOf("mdw") };
  const all = [command, await stage.handWritten(), ...args];
  return await run(stage.plugin, all, { env }, stage.signal);
}

/** A run that waits for a gpbackup, which is us. */
async function serve(): Promise<Child> {
  const words = ["gpbackup", "backup", "nightly", "--timestamp", TIMESTAMP];
  const serving = await stage.startPenstock(...words);
  const isServed = async (): Promise<true | undefined> =>
    (await plugin("setup_plugin_for_backup", `/x/${TIMESTAMP}`, "segment", '"0"')).status === 0 ||
    undefined;
  await untilFound(isServed, "the run", stage.signal);
  return serving;
}

/** Hands over a small file. */
async function hand(timestamp: string, file: string): Promise<Outcome> {
  const path = join(stage.dir, "backups", timestamp.slice(0, 8), timestamp, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "content\n");
  return await plugin("backup_file", path);
}

test.for([
  [
    "the same file twice",
    `gpbackup_${TIMESTAMP}_toc.yaml`,
    /toc.yaml of mdw: it has been handed over already/,
  ],
  ["a file that is not gpbackup's", "passwd", /passwd is not a key of gpbackup/],
] as const)("who hands over %s fails the set, and hears why", async ([_what, file, message]) => {
  await stage.plan();
  await using serving = await serve();
  expect(await hand(TIMESTAMP, `gpbackup_${TIMESTAMP}_toc.yaml`)).toMatchObject({ status: 0 });
  const refused = await hand(TIMESTAMP, file);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(message);
  const { status, stderr } = await serving.outcome;
  expect(stderr).toMatch(message);
  expect(status).toBe(1);
  expect((await stage.failure()).streams).toHaveLength(1);
  await stage.untilNothingLeft();
});

test("a gpbackup that is another one is refused, and the set goes on", async () => {
  await stage.plan();
  await using serving = await serve();
  expect(await hand(TIMESTAMP, `gpbackup_${TIMESTAMP}_toc.yaml`)).toMatchObject({ status: 0 });
  const refused = await hand(OTHER, `gpbackup_${OTHER}_toc.yaml`);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain(`busy with the backup of gpbackup_${TIMESTAMP}_config.yaml`);
  expect(await hand(TIMESTAMP, `gpbackup_${TIMESTAMP}_metadata.sql`)).toMatchObject({ status: 0 });
  serving.kill("SIGTERM");
  expect((await serving.outcome).status).toBe(143);
  await stage.untilNothingLeft();
});

test("hooks that come all at once, and again, do no harm", async () => {
  await stage.plan();
  await using serving = await serve();
  const hooks = ["setup_plugin_for_backup", "cleanup_plugin_for_backup"].flatMap((hook) =>
    Array.from({ length: 8 }, (_, content) =>
      plugin(hook, `/x/${TIMESTAMP}`, "segment", `"${content}"`),
    ),
  );
  for (const outcome of await Promise.all(hooks)) {
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
  }
  expect(await hand(TIMESTAMP, `gpbackup_${TIMESTAMP}_toc.yaml`)).toMatchObject({ status: 0 });
  serving.kill("SIGTERM");
  expect((await serving.outcome).status).toBe(143);
  await stage.untilNothingLeft();
});
