import { Direction } from "@penstock/proto";
import { expect, test } from "vitest";
import { PluginPurpose } from "./plugin-purpose.ts";
import type { SetupRequest } from "./plugin-request.ts";

const FIRST = "20261120095538";
const OTHER = "20261120100000";
const { DIRECTION_BACKUP, DIRECTION_RESTORE, DIRECTION_UNSPECIFIED } = Direction;

const setup = (kind: SetupRequest["kind"], timestamp: string): SetupRequest => ({
  ...{ plan: "nightly", pid: 1, command: "setup", kind, timestamp },
});
const open = (direction: Direction, timestamp: string): PluginPurpose => {
  const purpose = new PluginPurpose({ run: "run-1", plan: "nightly" });
  purpose.state({ direction, timestamp });
  return purpose;
};

test.each([
  ["another timestamp", DIRECTION_BACKUP, FIRST, setup("backup", OTHER), `backup of ${FIRST}`],
  ["another direction", DIRECTION_RESTORE, FIRST, setup("backup", FIRST), `restore of ${FIRST}`],
  ["another direction", DIRECTION_RESTORE, "", setup("backup", FIRST), "restore of another"],
])("a setup for %s is refused, with what has the plan", (_, direction, timestamp, other, words) => {
  const purpose = open(direction, timestamp);
  expect(() => purpose.admit(other)).toThrow(
    expect.objectContaining({
      code: "locked",
      message: expect.stringMatching(
        new RegExp(`^plan nightly is in use by the ${words}.* since 20.*Z \\(run run-1\\)$`),
      ),
    }),
  );
});

test("the first setup decides what was left open, and may be repeated", () => {
  const purpose = open(DIRECTION_UNSPECIFIED, "");
  purpose.admit(setup("backup", FIRST));
  purpose.admit(setup("backup", FIRST));
  expect(() => purpose.admit(setup("backup", OTHER))).toThrow(`backup of ${FIRST}`);
  expect(() => purpose.admit(setup("restore", FIRST))).toThrow(`backup of ${FIRST}`);
});

test("what the controller leaves open later does not change what is decided", () => {
  const purpose = open(DIRECTION_BACKUP, FIRST);
  purpose.state({ direction: DIRECTION_UNSPECIFIED, timestamp: "" });
  expect(() => purpose.admit(setup("backup", OTHER))).toThrow(`backup of ${FIRST}`);
});
