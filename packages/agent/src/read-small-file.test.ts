import { appendFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import { readSmallFile } from "./read-small-file.ts";
import { createFolder } from "./testing.ts";

const never = new AbortController().signal;

test("a file is read whole, with the time of its last change", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "report");
  await writeFile(path, "finished\n");
  const { data, modifiedMs } = await readSmallFile(path, 9, [folder.path], never);
  expect(String(data)).toBe("finished\n");
  expect(Math.abs(Date.now() - modifiedMs)).toBeLessThan(60_000);
  await truncate(path);
  expect((await readSmallFile(path, 0, [folder.path], never)).data).toHaveLength(0);
});

test("what is too large, no regular file or outside the roots is refused, and nothing is waited for", async () => {
  await using folder = await createFolder();
  await using outside = await createFolder();
  const [large, pipe, link] = ["large", "pipe", "link"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await appendFile(large, "123456");
  await makeFifo(pipe, 0o600);
  await writeFile(join(outside.path, "secret"), "");
  await symlink(join(outside.path, "secret"), link);
  const cases: [string, number, string, string][] = [
    [large, 5, "failed", `read file ${large}: larger than 5 bytes`],
    [pipe, 5, "failed", `read file ${pipe}: not a regular file`],
    [folder.path, 5, "usage", "outside the roots"],
    [link, 5, "usage", `path ${link} is outside the roots of this agent`],
    [join(folder.path, "none"), 5, "not_found", `file ${join(folder.path, "none")} is not there`],
    [join(folder.path, "no/ne"), 5, "not_found", "is not there"],
    [large, 2 ** 21 + 1, "usage", "allowed: 2097152"],
  ];
  for (const [path, limit, code, message] of cases) {
    await expect(readSmallFile(path, limit, [folder.path], never)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  }
});

test("a link within the roots is followed", async () => {
  await using folder = await createFolder();
  await writeFile(join(folder.path, "report"), "x");
  await symlink("report", join(folder.path, "link"));
  const { data } = await readSmallFile(join(folder.path, "link"), 5, [folder.path], never);
  expect(String(data)).toBe("x");
});
