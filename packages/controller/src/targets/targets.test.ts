import { expect, it } from "vitest";
import { openTarget } from "./targets.ts";

const NEVER: AbortSignal = new AbortController().signal;

it("opens a target by its url's scheme", async () => {
  await using target = await openTarget({ url: "file:///backups/penstock/" }, NEVER);
  expect(target.url).toBe("file:///backups/penstock");
});

it("an unknown scheme is told with the known ones, and without the rest of the url", async () => {
  await expect(openTarget({ url: "fle://user:secret@host/" }, NEVER)).rejects.toMatchObject({
    code: "usage",
    message: 'unknown target scheme "fle" (did you mean "file"?); allowed: file',
  });
});

it("what is no url is not repeated", async () => {
  await expect(openTarget({ url: "//user:secret@host" }, NEVER)).rejects.toMatchObject({
    code: "usage",
    message: "the url of a target is not a url",
  });
});

it("an aborted signal opens nothing", async () => {
  const signal = AbortSignal.abort();
  await expect(openTarget({ url: "file:///x" }, signal)).rejects.toBe(signal.reason);
});
