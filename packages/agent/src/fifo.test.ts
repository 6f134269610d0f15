import { constants } from "node:fs";
import { lstat, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFifo, makeFifos, openFifo, removeFifo } from "./fifo.ts";
import { createFolder, isWaiting, shell } from "./testing.ts";

test("a pipe is made with exactly the permission bits that were asked for", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "-a pipe");
  await makeFifo(path, 0o622);
  const found = await lstat(path);
  expect(found.isFIFO()).toBe(true);
  expect(found.mode & 0o777).toBe(0o622);
});

test("a path that is taken is refused and left as it was", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "taken");
  await writeFile(path, "mine");
  const message = `make fifo ${path}: File exists`;
  await expect(makeFifo(path, 0o600)).rejects.toMatchObject({ code: "failed", message });
  expect(await readFile(path, "utf8")).toBe("mine");
});

test("of several pipes those that can be made are made, and the others are told from them", async () => {
  await using folder = await createFolder();
  const [one, taken, two] = ["one", "taken", "two"].map((name) => join(folder.path, name));
  await writeFile(`${taken}`, "mine");
  const { made, error } = await makeFifos([`${one}`, `${taken}`, `${two}`], 0o600);
  expect(made).toEqual([one, two]);
  expect(error?.message).toBe(`make fifo ${taken}: File exists`);
});

test("only a named pipe itself is opened, no link to it and nothing else", async () => {
  await using folder = await createFolder();
  const [pipe, link, file] = ["pipe", "link", "file"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await makeFifo(pipe, 0o600);
  await symlink(pipe, link);
  await writeFile(file, "");
  expect(() => openFifo(link, constants.O_RDONLY)).toThrow("ELOOP");
  expect(() => openFifo(file, constants.O_RDONLY)).toThrow("not a named pipe");
  expect(() => openFifo(pipe, constants.O_WRONLY)).toThrow("ENXIO");
});

test("a writer that is blocked at a pipe is freed when the pipe is removed", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "pipe");
  await makeFifo(path, 0o600);
  await using writer = shell('echo going; exec 3>"$1"; while :; do echo x >&3; done', path);
  await writer.line();
  await expect.poll(() => isWaiting(writer.pid)).toBe(true);
  await removeFifo(path);
  expect(await writer.exited).toEqual({ code: null, signal: "SIGPIPE" });
  await expect(lstat(path)).rejects.toThrow("ENOENT");
});

test("removing what is gone, or is no pipe, does nothing", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  await removeFifo(path);
  await writeFile(path, "mine");
  await removeFifo(path);
  expect(await readFile(path, "utf8")).toBe("mine");
});
