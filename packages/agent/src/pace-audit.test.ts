import { expect, test } from "vitest";
import { PaceAudit } from "./pace-audit.ts";

test("a pace is audited when it goes on or off, or has changed by more than half", () => {
  const audit = new PaceAudit();
  const isAudited = (rate: number | undefined): boolean =>
    audit.take([{ name: "app", rate }]).length > 0;
  expect(isAudited(undefined)).toBe(false);
  expect(isAudited(100)).toBe(true);
  for (const rate of [100, 140, 60, 150, 50]) expect(isAudited(rate)).toBe(false);
  expect(isAudited(151)).toBe(true);
  expect(isAudited(100)).toBe(false);
  expect(isAudited(75)).toBe(true);
  expect(isAudited(undefined)).toBe(true);
  expect(isAudited(undefined)).toBe(false);
});

test("each stream is looked at for itself", () => {
  const audit = new PaceAudit();
  audit.take([{ name: "one", rate: 100 }]);
  const both = [
    { name: "one", rate: 110 },
    { name: "two", rate: 110 },
  ];
  expect(audit.take(both)).toEqual([{ name: "two", rate: 110 }]);
});
