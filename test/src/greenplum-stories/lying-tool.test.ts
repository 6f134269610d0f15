import { expect, test } from "vitest";
import { openGreenplum } from "./greenplum-stage.ts";

/** Says that all went well, and has written nothing but the coordinator's pipes. */
const LIAR = `
case "$*" in *--list-backup-files*) exec "$REAL" "$@" ;; esac
cd "$(echo "$*" | sed 's/.* -u \\([^ ]*\\).*/\\1/')"/db_dumps/*/
for pipe in gp_dump_-1_1_*.gz
do printf -- '--\\n-- Greenplum Database database dump complete\\n--\\n\\n' | gzip > "$pipe"
done
`;

const stage = openGreenplum({ segments: ["sdw1", "sdw2"], gpcrondump: LIAR });

test("pipes of other hosts that a tool has never opened fail the run, though its exit was good", async () => {
  await stage.plan({}, { grace: "2s" });
  const outcome = await stage.penstock("backup", "nightly");
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toMatch(
    /^error: stream gp_dump_[01]_[23]_\d+\.gz of sdw[12]: its pipe was never opened by its tool$/m,
  );
});
