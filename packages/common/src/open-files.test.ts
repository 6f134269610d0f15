import { expect, test } from "vitest";
import { assertOpenFiles } from "./open-files.ts";

test("more files than this process may open are refused with both numbers", async () => {
  const files = { what: "10 streams", hint: "raise it" };
  await assertOpenFiles({ ...files, needed: 1 });
  await expect(assertOpenFiles({ ...files, needed: 5_000_000_000 })).rejects.toMatchObject({
    code: "failed",
    message: expect.stringMatching(/^10 streams need 5000000000 open files, .* process is \d+$/),
    hint: "raise it",
  });
});
