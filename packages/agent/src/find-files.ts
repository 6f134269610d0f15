import type { Stats } from "node:fs";
import { lstat, readdir, realpath } from "node:fs/promises";
import { join, normalize } from "node:path";
import { isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { absent } from "./absent.ts";
import { isMagic, segmentMatcher } from "./glob.ts";
import { assertPlain, isBelow, outside } from "./paths.ts";

/** A regular file that a pattern has found. */
export interface FoundFile {
  /** As the pattern spells its folders. */
  readonly path: string;
  readonly sizeBytes: number;
  /** When it was last written, Unix time. */
  readonly modifiedMs: number;
}

/** The pattern as given, and its parts, each a name or a matcher of names. */
interface Pattern {
  readonly glob: string;
  readonly parts: readonly (string | RegExp)[];
}

/**
 * Regular files that match a shell-like pattern (`*`, `?`, `[…]`, no `**`), sorted by path; none is
 * no error. What lies outside the roots after following symbolic links is not found. Throws `usage`
 * if the pattern's fixed part is outside, or the pattern is wrong.
 */
export async function findFiles(glob: string, roots: readonly string[]): Promise<FoundFile[]> {
  const pattern = parsePattern(glob, roots);
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(absent)));
  const within = withinAny(realRoots.filter((root) => root !== undefined));
  const found: FoundFile[] = [];
  for await (const path of expand("/", pattern.parts, within)) {
    const real = await within(path);
    const stat = real === undefined ? undefined : await lstat(real).catch(absent);
    if (stat?.isFile()) found.push(toFound(path, stat));
  }
  return found.sort((one, other) => (one.path < other.path ? -1 : 1));
}

function toFound(path: string, { size, mtimeMs }: Stats): FoundFile {
  return { path, sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
}

function parsePattern(glob: string, roots: readonly string[]): Pattern {
  const segments = assertPlain(glob, roots).split("/").slice(1);
  assertFixedPartWithin(glob, segments, roots);
  if (segments.some((segment) => segment.includes("**"))) throw badPattern(glob, "** is not known");
  try {
    const parts = segments.map((each) => (isMagic(each) ? segmentMatcher(each) : each));
    return { glob, parts };
  } catch (error) {
    throw badPattern(glob, "wrong set in brackets", error);
  }
}

/** The folders before the first wildcard, the last part left out, must be a root or below one. */
function assertFixedPartWithin(glob: string, segments: string[], roots: readonly string[]): void {
  const folders = segments.slice(0, -1);
  const magic = folders.findIndex(isMagic);
  const fixed = `/${(magic === -1 ? folders : folders.slice(0, magic)).join("/")}`;
  // With a name added, a root itself is "below" too.
  if (!roots.some((root) => isBelow(join(fixed, "x"), normalize(root)))) throw outside(glob, roots);
}

function badPattern(glob: string, what: string, cause?: unknown): PenstockError {
  const hint = "wildcards are *, ? and […], within one part of the path";
  return new PenstockError("usage", `pattern ${glob}: ${what}`, { hint, cause });
}

type Within = (path: string) => Promise<string | undefined>;

/** Gives the real path if that is a root or below one; nothing for what is not there. */
function withinAny(realRoots: readonly string[]): Within {
  return async (path) => {
    const real = await realpath(path).catch(absent);
    const inside = realRoots.some((root) => real === root || isBelow(real ?? "", root));
    return inside ? real : undefined;
  };
}

async function* expand(
  folder: string,
  [part, ...rest]: readonly (string | RegExp)[],
  within: Within,
): AsyncGenerator<string, void, undefined> {
  if (part === undefined) yield folder;
  else if (typeof part === "string") yield* expand(join(folder, part), rest, within);
  else {
    for (const name of await namesIn(folder, within)) {
      if (part.test(name)) yield* expand(join(folder, name), rest, within);
    }
  }
}

async function namesIn(folder: string, within: Within): Promise<string[]> {
  try {
    const real = await within(folder);
    return real === undefined ? [] : await readdir(real);
  } catch (error) {
    if (isErrno(error, "ENOTDIR")) return [];
    throw toPenstockError(error, `list folder ${folder}`);
  }
}
