import { expect, test } from "vitest";
import { assertDescriptors } from "./descriptors.ts";

const streams = (
  count: number,
  direction: "backup" | "restore",
  isHeldOpen = false,
): { direction: typeof direction; isHeldOpen: boolean }[] =>
  new Array(count).fill({ direction, isHeldOpen });

test("streams that fit into the limit of open files pass, and too many are refused by number", async () => {
  await assertDescriptors(streams(10, "restore"));
  await expect(assertDescriptors(streams(2_000_000, "backup", true))).rejects.toMatchObject({
    message: expect.stringMatching(/^2000000 streams need 6000100 open files, /),
  });
  await expect(assertDescriptors(streams(2_000_000, "backup"))).rejects.toMatchObject({
    code: "failed",
    message: expect.stringMatching(/^2000000 streams need 4000100 open files, /),
    hint: expect.stringContaining("LimitNOFILE"),
  });
});
