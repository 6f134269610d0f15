import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import { findFiles } from "./find-files.ts";
import { createFolder } from "./testing.ts";

async function createTree(): Promise<{ path: string; root: string } & AsyncDisposable> {
  const folder = await createFolder();
  const root = join(folder.path, "root");
  await mkdir(join(root, "set", "deep.rpt"), { recursive: true });
  await mkdir(join(root, "set2"));
  await mkdir(join(folder.path, "outside"));
  for (const name of ["root/set/b.rpt", "root/set/a.rpt", "root/set2/c.rpt", "outside/d.rpt"]) {
    await writeFile(join(folder.path, name), name);
  }
  await makeFifo(join(root, "set", "pipe.rpt"), 0o600);
  await symlink("a.rpt", join(root, "set", "inner.rpt"));
  await symlink(join(folder.path, "outside", "d.rpt"), join(root, "set", "outer.rpt"));
  await symlink(join(folder.path, "outside"), join(root, "set3"));
  await symlink("nowhere", join(root, "set", "dangling.rpt"));
  return { path: folder.path, root, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("regular files are found, sorted; what lies outside the roots is not", async () => {
  await using tree = await createTree();
  const found = await findFiles(join(tree.root, "set*", "*.rpt"), [tree.root]);
  const at = (name: string) => join(tree.root, name);
  for (const { modifiedMs } of found) expect(Date.now() - modifiedMs).toBeLessThan(60_000);
  expect(found.map(({ path, sizeBytes }) => ({ path, sizeBytes }))).toEqual([
    { path: at("set/a.rpt"), sizeBytes: 14 },
    { path: at("set/b.rpt"), sizeBytes: 14 },
    { path: at("set/inner.rpt"), sizeBytes: 14 },
    { path: at("set2/c.rpt"), sizeBytes: 15 },
  ]);
});

test("a pattern without wildcards finds the one file, and nothing is no error", async () => {
  await using tree = await createTree();
  const paths = async (name: string) =>
    (await findFiles(join(tree.root, name), [tree.root])).map(({ path }) => path);
  expect(await paths("set/a.rpt")).toEqual([join(tree.root, "set/a.rpt")]);
  expect(await paths("set/x.rpt")).toEqual([]);
  expect(await paths("nowhere/*")).toEqual([]);
  expect(await paths("set/a.rpt/*")).toEqual([]);
  expect(await paths("set3/d.rpt")).toEqual([]);
  expect(await paths("*")).toEqual([]);
});

test.each([
  ["/etc/*", "path /etc/* is outside the roots of this agent"],
  ["/*/x", "path /*/x is outside the roots of this agent"],
  ["/backups/../etc/*", "path /backups/../etc/* is outside the roots of this agent"],
  ["/backups/**/x", "pattern /backups/**/x: ** is not known"],
  ["/backups/[z-a]", "pattern /backups/[z-a]: wrong set in brackets"],
  ["*.rpt", 'path "*.rpt" is not absolute'],
])("the pattern %s is refused", async (glob, message) => {
  await expect(findFiles(glob, ["/backups"])).rejects.toMatchObject({ code: "usage", message });
});
