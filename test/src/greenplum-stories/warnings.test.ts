import { expect, test } from "vitest";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

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
