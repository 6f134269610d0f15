import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Outcome } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import { expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum } from "./greenplum-stage.ts";

/** Something happens between the listing and the dump, if a file says so. */
const MEDDLED = `
folder="$(echo "$*" | sed 's/.* -u \\([^ ]*\\).*/\\1/')/db_dumps"
case "$*" in *--list-backup-files*)
  "$REAL" "$@" || exit
  [ -e "$0.short" ] && sed -i /gp_dump_1_3_/d "$folder"/*/*_pipes
  [ -e "$0.rival" ] && cp "$0.rival" "\${REAL%/bin/*}/hosts/mdw/gpseg-1/gpcrondump.pid"
  exit 0 ;;
esac
[ -e "$0.lost" ] && rm "$folder"/*/gp_dump_1_3_*
exec "$REAL" "$@"
`;

const stage = openGreenplum({ segments: ["sdw1", "sdw2"], gpcrondump: MEDDLED, rows: 60_000 });
const ALL = ["-g", "-G", "--dump-stats"];

/** What a dump has come to while the file was there. */
async function backupWhile(meddling: string, text = ""): Promise<Outcome> {
  const { dumpDirectory } = stage.greenplum;
  const path = join(dumpDirectory, `../../gpcrondump.${meddling}`);
  await writeFile(path, text);
  try {
    return await stage.penstock("backup", "nightly");
  } finally {
    await rm(path);
  }
}

/** The only set that was begun. */
function setOf({ stderr }: Outcome): string {
  const [set] = /\d{14}/.exec(stderr) ?? [];
  if (set === undefined) throw new Error(`no set in: ${stderr}`);
  return set;
}

test("while another gpcrondump dumps, the listing that exits with 0 is no list: locked", async () => {
  const { greenplum, signal } = stage;
  await greenplum.configure({ held: [0] });
  const key = "20200101000000";
  const own = ["-u", join(greenplum.dumpDirectory, "../rival")];
  const args = ["-a", "-b", "-x", "testdb", "-K", key, ...own];
  await using rival = await greenplum.spawn("gpcrondump", args, signal);
  const dumps = async (): Promise<true | undefined> =>
    (await greenplum.processes(key)).some((line) => line.includes("gp_dump_agent")) || undefined;
  await untilFound(dumps, "the other dump", signal);
  await stage.plan({});
  const outcome = await stage.penstock("backup", "nightly");
  expect(outcome).toMatchObject({ status: 5 });
  expect(outcome.stderr).toContain(
    `error: gpcrondump on mdw: An instance of gpcrondump is already running (pid ${rival.pid})\n`,
  );
  await greenplum.configure({ held: [] });
  expect(await rival.outcome).toMatchObject({ status: 0 });
});

test("another gpcrondump that begins between the listing and the dump is named", async () => {
  await stage.plan({}, { grace: "2s" });
  const outcome = await backupWhile("rival", String(process.pid));
  await rm(join(stage.greenplum.instance(-1).dataDirectory, "gpcrondump.pid"));
  expect(outcome.stderr).toContain(
    `error: gpcrondump on mdw: An instance of gpcrondump is already running (pid ${process.pid})\n`,
  );
  expect(outcome).toMatchObject({ status: 1 });
  await expectNothingLeft(stage, setOf(outcome));
});

test("a report of a later key on the same day: what gpcrondump says, with a hint", async () => {
  await stage.plan({ options: ALL });
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");
  const later = join(stage.greenplum.dumpDirectory, "db_dumps", day, `gp_dump_${day}235959.rpt`);
  await writeFile(later, "");
  const outcome = await stage.penstock("backup", "nightly");
  await rm(later);
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toMatch(/^error: gpcrondump on mdw exited with status 2/m);
  expect(outcome.stderr).toContain("There is a future dated backup on the system");
  expect(outcome.stderr).toMatch(/^hint: a report of the same day has a later key/m);
  await expectNothingLeft(stage, setOf(outcome));
});

test("a list without one of the segments is refused before anything is made", async () => {
  await stage.plan({});
  const outcome = await backupWhile("short");
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toMatch(
    /^error: the pipe list of set \d+ on mdw has no pipe for .*\b1\b.*sdw2/m,
  );
  await expectNothingLeft(stage, setOf(outcome));
});

test("a pipe that is lost before the dump is written as a file: no set", async () => {
  await stage.plan({ options: ALL }, { grace: "2s" });
  const outcome = await backupWhile("lost");
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toMatch(
    /^error: stream gp_dump_1_3_(\d+)\.gz of sdw2: .*\/gp_dump_1_3_\1\.gz is a regular file now/m,
  );
  const listed = await stage.penstock("list", "-o", "json");
  expect(listed.stdout).not.toContain('"committed"');
  await expectNothingLeft(stage, setOf(outcome));
});
