import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { type FileHandle, lstat, readdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ByteStream, isErrno, PenstockError } from "@penstock/common";
import { pruneDirectories, syncDirectory } from "./directories.ts";
import { fromErrno, fromRootErrno } from "./errno.ts";
import { openRegularFile, readToEnd } from "./file-reader.ts";
import { FileWriter } from "./file-writer.ts";
import { assertKey, assertPrefix, assertScope, isKey } from "./keys.ts";
import { LeftFile } from "./left-file.ts";
import { PartialArea } from "./partial-area.ts";
import type { ByteRange, LeftObject, Target } from "./target.ts";
import { VisibleObject } from "./visible-object.ts";

/** The scope of `putIfAbsent`, as good a name as any that no run can have. */
const PUT_SCOPE = "~put";

/**
 * Opens a directory, local or mounted, as a target; `url` is `file:///…`, else throws `usage`. The
 * directory is made when the first object is; until then the target is empty. For `orphanMs` see
 * TargetConfig.
 *
 * What is not visible yet is below `<root>/.partial`. A file becomes visible by a hard link, which
 * never overwrites, after its bytes, and before its name and folders, are synced to disk.
 * Symbolic links are not objects and not folders.
 */
export async function openFileTarget(url: string, orphanMs = 0): Promise<Target> {
  return new FileTarget(parseRoot(url), orphanMs);
}

/** `file:relative`, a host or a query would otherwise be taken, silently, for something else. */
function parseRoot(url: string): string {
  const { hash, pathname, search } = new URL(url);
  const isPlain = url.toLowerCase().startsWith("file:///") && search === "" && hash === "";
  if (isPlain && !/%2f|%00/i.test(pathname)) return fileURLToPath(url).replace(/(?<=.)\/+$/, "");
  // Not shown: with a host it may hold a password.
  throw new PenstockError("usage", "the url of a file target is not file:// and an absolute path", {
    hint: "Write it like file:///backups/penstock, with ? # and % as %3F %23 and %25.",
  });
}

class FileTarget implements Target {
  readonly url: string;
  readonly #root: string;
  readonly #partials: PartialArea;
  #created = 0;

  constructor(root: string, orphanMs: number) {
    this.#root = root;
    this.url = pathToFileURL(root).href;
    this.#partials = new PartialArea(root, orphanMs);
  }

  async create(key: string, scope: string, signal: AbortSignal): Promise<FileWriter> {
    assertKey(key);
    assertScope(scope);
    return this.#create(key, scope, signal);
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<boolean> {
    assertKey(key);
    const writer = await this.#create(key, PUT_SCOPE, signal);
    try {
      await writer.write(body);
      return await writer.commitIfAbsent(key);
    } finally {
      await writer.abort();
    }
  }

  async *read(key: string, range: ByteRange | undefined, signal: AbortSignal): ByteStream {
    assertKey(key);
    const handle = await this.#open(key, signal);
    try {
      yield* readToEnd(handle, range, signal);
    } catch (error) {
      throw fromErrno(error, `read ${this.#urlOf(key)}`);
    }
  }

  async stat(key: string, signal: AbortSignal): Promise<number | undefined> {
    assertKey(key);
    signal.throwIfAborted();
    const found = await this.#ifThere(`stat ${this.#urlOf(key)}`, () => lstat(this.#pathOf(key)));
    return found?.isFile() ? found.size : undefined;
  }

  async list(prefix: string, signal: AbortSignal): Promise<string[]> {
    assertPrefix(prefix);
    const keys: string[] = [];
    await this.#collectKeys(prefix, keys, signal);
    return keys.sort();
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    assertKey(key);
    signal.throwIfAborted();
    const path = this.#pathOf(key);
    await this.#ifThere(`remove ${this.#urlOf(key)}`, async () => {
      await unlink(path);
      // Durable, so that a manifest is gone for good before the objects that it lists are removed.
      await syncDirectory(await pruneDirectories(dirname(path), this.#root));
    });
  }

  async sweep(scope: string, signal: AbortSignal): Promise<void> {
    assertScope(scope);
    signal.throwIfAborted();
    try {
      await this.#partials.sweep(scope);
    } catch (error) {
      throw fromRootErrno(error, `sweep ${scope} of ${this.url}`);
    }
  }

  async keepOrphans(scope: string, signal: AbortSignal): Promise<void> {
    assertScope(scope);
    signal.throwIfAborted();
    try {
      await this.#partials.keepOrphans(scope);
    } catch (error) {
      throw fromRootErrno(error, `take over ${scope} of ${this.url}`);
    }
  }

  async takeOver(key: string, scope: string, signal: AbortSignal): Promise<LeftObject | undefined> {
    assertKey(key);
    assertScope(scope);
    const bytes = await this.stat(key, signal);
    if (bytes !== undefined) return new VisibleObject(this, key, bytes);
    try {
      const name = this.#partialName(key);
      const partial = await this.#partials.takeOver(scope, partialSuffix(key), name);
      if (partial === undefined) return undefined;
      return await LeftFile.open({ root: this.#root, url: this.url, key, partial });
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined; // somebody else was faster
      throw fromRootErrno(error, `take over ${this.#urlOf(key)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#partials[Symbol.asyncDispose]();
    } catch (error) {
      throw fromRootErrno(error, `close ${this.url}`);
    }
  }

  async #create(key: string, scope: string, signal: AbortSignal): Promise<FileWriter> {
    signal.throwIfAborted();
    try {
      const orphanMs = scope === PUT_SCOPE ? 0 : undefined;
      const directory = await this.#partials.directory(scope, orphanMs);
      const partial = join(directory, this.#partialName(key));
      return await FileWriter.open({ root: this.#root, url: this.url, key, partial }, signal);
    } catch (error) {
      throw fromRootErrno(error, `create ${this.#urlOf(key)}`);
    }
  }

  #partialName(key: string): string {
    return `${this.#created++}${partialSuffix(key)}`;
  }

  async #open(key: string, signal: AbortSignal): Promise<FileHandle> {
    signal.throwIfAborted();
    const what = `read ${this.#urlOf(key)}`;
    const handle = await this.#ifThere(what, () => openRegularFile(this.#pathOf(key)));
    if (handle === undefined) throw new PenstockError("not_found", `${what}: no such object`);
    return handle;
  }

  async #collectKeys(folder: string, keys: string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (const entry of await this.#entries(folder)) {
      const key = folder + entry.name;
      if (!isKey(key)) continue;
      if (entry.isDirectory()) await this.#collectKeys(`${key}/`, keys, signal);
      else if (entry.isFile()) keys.push(key);
    }
  }

  async #entries(folder: string): Promise<Dirent[]> {
    const read = (): Promise<Dirent[]> => readdir(this.#pathOf(folder), { withFileTypes: true });
    return (await this.#ifThere(`list ${this.#urlOf(folder)}`, read)) ?? [];
  }

  /** The result, or `undefined` if it fails because nothing, or no file, is there. */
  async #ifThere<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (["ENOENT", "EISDIR", "ELOOP"].some((name) => isErrno(error, name))) return undefined;
      // Below an object there is nothing; a root that is no directory is another matter.
      if (isErrno(error, "ENOTDIR") && (await isDirectory(this.#root))) return undefined;
      throw fromRootErrno(error, what);
    }
  }

  #pathOf(key: string): string {
    return join(this.#root, key);
  }

  #urlOf(key: string): string {
    return `${this.url}/${key}`;
  }
}

/** Of an unfinished object's name: no other key has it, and an operator sees which one it is. */
function partialSuffix(key: string): string {
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 16);
  return `.${digest}.${key.replaceAll("/", ",").slice(-180)}`;
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
