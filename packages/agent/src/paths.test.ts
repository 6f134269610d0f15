import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assertWithinRoots } from "./paths.ts";
import { createFolder } from "./testing.ts";

test("a path below a root is given back as it really is, whether it exists or not", async () => {
  await using folder = await createFolder();
  const [root, alias] = [join(folder.path, "real"), join(folder.path, "alias")];
  await mkdir(join(root, "set"), { recursive: true });
  await symlink(root, alias);
  await writeFile(join(root, "set", "file"), "");
  const roots = ["/nowhere", `${alias}/`, root];
  const cases = [
    [join(alias, "set", "file"), join(root, "set", "file")],
    [join(alias, "set", "new"), join(root, "set", "new")],
    [`${root}//a/./b/`, join(root, "a", "b")],
  ] as const;
  for (const [path, real] of cases) expect(await assertWithinRoots(path, roots)).toBe(real);
});

test("a link that stays below the root is followed, one that leaves it is refused", async () => {
  await using folder = await createFolder();
  const root = join(folder.path, "root");
  await mkdir(join(root, "inside"), { recursive: true });
  await symlink("inside", join(root, "short"));
  await symlink(folder.path, join(root, "out"));
  await symlink(join(folder.path, "not yet"), join(root, "dangling"));
  await symlink("loop", join(root, "loop"));
  expect(await assertWithinRoots(join(root, "short", "x"), [root])).toBe(join(root, "inside", "x"));
  for (const name of ["out", "out/x", "out/a/b", "out/root/x/../../..", "dangling", "dangling/x"]) {
    await expect(assertWithinRoots(`${root}/${name}`, [root])).rejects.toMatchObject({
      code: "usage",
      message: `path ${root}/${name} is outside the roots of this agent`,
      hint: `its roots are: ${root}`,
    });
  }
  await expect(assertWithinRoots(join(root, "loop"), [root])).rejects.toMatchObject({
    code: "failed",
    message: expect.stringContaining("ELOOP"),
  });
});

test.each([
  ["/backups", "path /backups is outside the roots of this agent"],
  ["/backups2/x", "path /backups2/x is outside the roots of this agent"],
  ["/backups/../etc/x", "path /backups/../etc/x is outside the roots of this agent"],
  ["/etc/passwd", "path /etc/passwd is outside the roots of this agent"],
  ["/", "path / is outside the roots of this agent"],
  ["backups/x", 'path "backups/x" is not absolute'],
  ["", 'path "" is not absolute'],
  ["/backups/a\0b", 'path "/backups/a\\u0000b" contains a NUL byte'],
])("%j is refused", async (path, message) => {
  const outcome = expect(assertWithinRoots(path, ["/backups"]));
  await outcome.rejects.toMatchObject({ code: "usage", message });
});

test("with the whole file system as the root every path is inside", async () => {
  expect(await assertWithinRoots("/proc/version", ["/"])).toBe("/proc/version");
});
