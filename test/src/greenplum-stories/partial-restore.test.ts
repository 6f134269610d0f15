import { expect, test } from "vitest";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

test("of one set come back the schema alone, one table, or all of it with the tool's own options", async () => {
  await stage.plan({});
  const { greenplum } = stage;
  const before = await greenplum.checksums("testdb");
  const { set } = await stage.backup();
  const restore = ["nightly", "--set", set];

  await stage.empty();
  await stage.result("restore", ...restore, "--metadata-only", "--", "-e");
  const rowsOf = (content: number): Promise<unknown> =>
    greenplum
      .query(content, "testdb", "select count(*)::int as rows from t_heap")
      .then(({ rows }) => rows);
  expect([await rowsOf(0), await rowsOf(1)]).toEqual([[{ rows: 0 }], [{ rows: 0 }]]);

  const mistyped = await stage.penstock("restore", ...restore, "--table", "public.t_haep");
  expect(mistyped, mistyped.stdout).toMatchObject({ status: 7 });
  expect(mistyped.stderr).toMatch(
    /^error: set \d+ of database testdb has no table public.t_haep$/m,
  );

  const table = await stage.penstock("restore", ...restore, "--table", "public.t_heap");
  expect(table, table.stderr).toMatchObject({ status: 3 }); // what is there already is warned of
  const onlyHeap = await greenplum.checksums("testdb");
  expect(onlyHeap["0"]?.["public.t_heap"]).toEqual(before["0"]?.["public.t_heap"]);
  expect(onlyHeap["0"]?.["public.t_ao"]?.rows).toBe(0);

  await stage.result("restore", ...restore, "--", "-e");
  expect(await greenplum.checksums("testdb")).toEqual(before);
});

test("a restore whose tool has found errors is done with warnings, and says so by its exit status", async () => {
  await stage.plan({});
  const { set } = await stage.backup();
  const outcome = await stage.penstock("restore", "nightly", "--set", set, "-o", "json");
  expect(outcome, outcome.stdout + outcome.stderr).toMatchObject({ status: 3 });
  const { warnings, status } = resultOf(outcome);
  expect(status).toBe("restored");
  expect(warnings).not.toEqual([]);
  expect(outcome.stdout).toContain('{"event":"warning","message":');

  const inWords = await stage.penstock("restore", "nightly", "--set", set);
  expect(inWords).toMatchObject({ status: 3 });
  expect(inWords.stdout).toMatch(`set ${set} is restored: `);
  expect(inWords.stderr).toMatch(/^warning: .*mdw/m);
});
