import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { guardFile } from "./limits.ts";
import { CLEANUP, LAST_FILES, SETUP, Stage } from "./stage.ts";

const signal = guardFile();
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.start({ segments: ["sdw1", "sdw1", "sdw2"], rows: 20_000 }, signal);
});

afterEach(async () => await stage.plugin.reset());

afterAll(async () => await stage[Symbol.asyncDispose]());

const FAILED = [...SETUP, ...LAST_FILES, ...CLEANUP];
const AWAY = 'echo "store unavailable" >&2; exit 3';

test.each([
  { when: "in the middle", take: 'head -c 100 > "$object"' },
  { when: "at the end", take: 'cat > "$object"' },
])("a plugin that fails $when of a table fails the backup, its siblings stay", async ({ take }) => {
  await stage.plugin.before("backup_data", "gpbackup_1_", `${take}; ${AWAY}`);
  const { status, stderr, timestamp } = await stage.backUp();
  expect(status).toBe(2);
  expect(stderr).toContain(
    "[CRITICAL]:-ERROR: Error from segment 1: ERROR:  command error message: store unavailable (SQLSTATE 22P04)",
  );
  expect(await stage.steps()).toEqual(FAILED);
  expect(await stage.statusOf(timestamp)).toBe("Failure");
  const stored = (await stage.plugin.stored()).filter((name) => name.includes(timestamp));
  const siblings = stored.filter((name) => /_[02]_\d+_\d+\.gz$/.test(name));
  expect(siblings).toHaveLength(2);
  for (const name of siblings) expect(await stage.isWholeGzip(name)).toBe(true);
});

test("a plugin that fails in the middle of a single file fails the backup, its siblings see a plain end", async () => {
  await stage.plugin.before("backup_data", "gpbackup_1_", `head -c 100 > "$object"; ${AWAY}`);
  const { status, stderr, timestamp } = await stage.backUp("--single-data-file");
  expect(status).toBe(2);
  expect(stderr).toContain("segment 1: ERROR:  command error message: (SQLSTATE 22P04)");
  expect(await stage.steps()).toEqual(FAILED);
  expect(await stage.statusOf(timestamp)).toBe("Failure");
  const calls = await stage.untilEnded("backup_data");
  expect(calls.map((call) => call.status).sort()).toEqual([0, 0, 3]);
  for (const content of [0, 2]) {
    expect(await stage.isWholeGzip(`gpbackup_${content}_${timestamp}.gz`)).toBe(false);
  }
});

test("a plugin that fails at the end of a single file fails the backup, its siblings are whole", async () => {
  await stage.plugin.before("backup_data", "gpbackup_1_", `cat > "$object"; ${AWAY}`);
  const { status, stderr, timestamp } = await stage.backUp("--single-data-file");
  expect(status).toBe(2);
  expect(stderr).toContain("Error occurred in gpbackup_helper on 1 segment.");
  expect(await stage.steps()).toEqual(FAILED);
  expect(await stage.statusOf(timestamp)).toBe("Failure");
  for (const content of [0, 2]) {
    expect(await stage.isWholeGzip(`gpbackup_${content}_${timestamp}.gz`)).toBe(true);
  }
});

test.each([[[]], [["--single-data-file"]]])(
  "what backup_data says besides success is ignored, flags %j",
  async (flags) => {
    await stage.plugin.before("backup_data", "", "echo progress >&2");
    expect(await stage.backUp(...flags)).toMatchObject({ status: 0, stderr: "" });
  },
);

test.each([
  { scope: "master", match: '" master "', done: SETUP.slice(0, 1) },
  { scope: "segment_host", match: "segment_host", done: SETUP.slice(0, 4) },
  { scope: "segment", match: `' segment "1"'`, done: SETUP },
])(
  "a set-up that fails for scope $scope fails the backup, later scopes are left out",
  async ({ scope, match, done }) => {
    await stage.plugin.before("setup_plugin_for_backup", match, "echo refused >&2; exit 1");
    const { status, stderr, timestamp } = await stage.backUp();
    expect(status).toBe(2);
    expect(stderr).toContain({ master: "refused" }[scope] ?? `on: ${scope} on `);
    expect(await stage.steps()).toEqual([...done, ...LAST_FILES, ...CLEANUP]);
    expect(await stage.statusOf(timestamp)).toBe("Failure");
  },
);

test("a plugin of an old interface is cleaned up after though it was never set up", async () => {
  await stage.plugin.before("plugin_api_version", "", "echo 0.2.0; exit 0");
  const { status, stderr } = await stage.backUp();
  expect(status).toBe(2);
  expect(stderr).toContain("Plugin API version incorrect on 3 hosts.");
  expect(await stage.steps()).toEqual([...LAST_FILES, ...CLEANUP]);
});

test("a metadata file that is not stored fails the backup", async () => {
  await stage.plugin.before("backup_file", "_metadata.sql", AWAY);
  const { status, stderr, timestamp } = await stage.backUp();
  expect(status).toBe(2);
  expect(stderr).toMatch(/ERROR: Plugin failed to process \S+_metadata.sql. store unavailable/);
  expect(await stage.steps()).toEqual([...SETUP, "file metadata.sql", ...LAST_FILES, ...CLEANUP]);
  expect(await stage.statusOf(timestamp)).toBe("Failure");
});

test("a config.yaml that is not stored is a warning, after which no hook is called", async () => {
  const isConfig = '[[ "$3" != *plugin_config* ]]';
  await stage.plugin.before("backup_file", "_config.yaml", `if ${isConfig}; then ${AWAY}; fi`);
  const { status, stderr } = await stage.backUp();
  expect(status).toBe(1);
  expect(stderr).toMatch(/\[ERROR\]:-ERROR: Plugin failed to process \S+_config.yaml/);
  expect((await stage.steps()).slice(SETUP.length)).toEqual([
    "file metadata.sql",
    "file toc.yaml",
    "file config.yaml", // the plugin's
    "file config.yaml",
  ]);
});

test("a clean-up that fails on the coordinator is a warning, after which no other is called", async () => {
  await stage.plugin.before("cleanup_plugin_for_backup", "", AWAY);
  const { status, stderr, timestamp } = await stage.backUp();
  expect(status).toBe(1);
  expect(stderr).toContain("[ERROR]:-store unavailable");
  expect((await stage.steps()).slice(-2)).toEqual(["file report", "clean master"]);
  expect(await stage.statusOf(timestamp)).toBe("Success");
});
