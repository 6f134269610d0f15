import { randomUUID } from "node:crypto";
import { readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "@penstock/common";
import { makeDirectories, retryIfPruned } from "./directories.ts";
import { createPartialGuard, KEPT_SUFFIX } from "./partial-guard.ts";

/**
 * Where a file target keeps what is not visible yet: `<root>/.partial/<scope>/<opener>/`. Each
 * opener of the target has a directory of its own, so that the death of one, which its guard
 * cleans up after, takes nothing from the others that work for the same run.
 */
export class PartialArea implements AsyncDisposable {
  readonly #path: string;
  readonly #opener: string = randomUUID();
  readonly #orphanMs: number;
  readonly #guards = new Map<string, AsyncDisposable>();

  /** If we die, what is ours waits `orphanMs` for somebody to take it over. */
  constructor(root: string, orphanMs: number) {
    this.#path = join(root, ".partial");
    this.#orphanMs = orphanMs;
  }

  /**
   * This opener's directory for a scope. Made, and guarded against our death, when first asked for;
   * what nobody can take over has no reason to wait for that.
   */
  async directory(scope: string, orphanMs: number = this.#orphanMs): Promise<string> {
    const folder = join(this.#path, scope);
    const own = join(folder, this.#opener);
    const isFirst = !this.#guards.has(scope);
    // The guard comes first: we may be killed as soon as there is something to remove.
    if (isFirst) {
      this.#guards.set(scope, createPartialGuard(own, [folder, this.#path], orphanMs));
    }
    try {
      await retryIfPruned(() => makeDirectories(own));
    } catch (error) {
      if (isFirst) await this.#endGuard(scope); // there is nothing to guard
      throw error;
    }
    return own;
  }

  /** The guards of openers that are dead remove nothing of this scope any more. */
  async keepOrphans(scope: string): Promise<void> {
    const folder = join(this.#path, scope);
    const openers = (await namesIn(folder)).filter((name) => !name.endsWith(KEPT_SUFFIX));
    for (const opener of openers) await writeFile(join(folder, opener + KEPT_SUFFIX), "");
  }

  /**
   * The file of another opener whose name ends in `suffix`, now in our directory under `name`:
   * returns its path, or `undefined` if there is none.
   */
  async takeOver(scope: string, suffix: string, name: string): Promise<string | undefined> {
    const folder = join(this.#path, scope);
    for (const opener of await namesIn(folder)) {
      const names = await namesIn(join(folder, opener));
      const found = names.find((candidate) => candidate.endsWith(suffix));
      if (found === undefined) continue;
      const path = join(await this.directory(scope), name);
      await rename(join(folder, opener, found), path);
      return path;
    }
    return undefined;
  }

  /** Removes everything of a scope, whoever wrote it. */
  async sweep(scope: string): Promise<void> {
    await rm(join(this.#path, scope), { recursive: true, force: true });
    await removeIfEmpty(this.#path);
    await this.#endGuard(scope);
  }

  /** Removes what this opener has left, in any scope. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const scope of this.#guards.keys()) {
      await this.#removeOwn(scope);
      await this.#endGuard(scope);
    }
  }

  async #removeOwn(scope: string): Promise<void> {
    const folder = join(this.#path, scope);
    await rm(join(folder, this.#opener), { recursive: true, force: true });
    await removeIfEmpty(folder);
    await removeIfEmpty(this.#path);
  }

  async #endGuard(scope: string): Promise<void> {
    const guard = this.#guards.get(scope);
    this.#guards.delete(scope);
    await guard?.[Symbol.asyncDispose]();
  }
}

/** Names in a folder; none if it is not there, or is no folder. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}

async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch(() => {}); // others are at work in it, or it is gone already
}
