import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { absent } from "./absent.ts";

/**
 * The path as it really is, without symbolic links: absolute, and below one of the roots both as it
 * is written and after every link is followed. What does not exist yet counts with its deepest
 * folder that does. Throws `usage` for any other path.
 *
 * Who may write below the roots could still exchange a folder for a link afterwards; that is the
 * agent's own user, who gains nothing by it.
 */
export async function assertWithinRoots(path: string, roots: readonly string[]): Promise<string> {
  const written = assertPlain(path, roots);
  const candidates = roots.filter((root) => isBelow(written, normalize(root)));
  if (candidates.length === 0) throw outside(path, roots);
  const real = await realPathOf(written);
  if (real === undefined) throw outside(path, roots);
  for (const root of candidates) {
    const realRoot = await realpath(root).catch(absent);
    if (realRoot !== undefined && isBelow(real, realRoot)) return real;
  }
  throw outside(path, roots);
}

/** True if `path` lies below `folder`; both are absolute and normalised. */
export function isBelow(path: string, folder: string): boolean {
  const prefix = folder.endsWith("/") ? folder : `${folder}/`;
  return path.startsWith(prefix) && path.length > prefix.length;
}

/** The normal form of an absolute path. Throws `usage` if it has a NUL byte or a `..`. */
export function assertPlain(path: string, roots: readonly string[]): string {
  const shown = JSON.stringify(path);
  if (path.includes("\0")) throw new PenstockError("usage", `path ${shown} contains a NUL byte`);
  if (!isAbsolute(path)) throw new PenstockError("usage", `path ${shown} is not absolute`);
  if (path.split("/").includes("..")) throw outside(path, roots);
  const normal = normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** The error for a path that the agent must not touch. */
export function outside(path: string, roots: readonly string[]): PenstockError {
  const message = `path ${path} is outside the roots of this agent`;
  return new PenstockError("usage", message, { hint: `its roots are: ${roots.join(", ")}` });
}

/** Nothing for a link that leads nowhere today, since tomorrow it may lead anywhere. */
async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw toPenstockError(error, `path ${path}`);
  }
  if (await lstat(path).catch(absent)) return undefined;
  const folder = await realPathOf(dirname(path));
  return folder && join(folder, basename(path));
}
