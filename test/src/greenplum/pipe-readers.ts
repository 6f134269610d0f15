import { constants } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Child, run } from "../harness/child.ts";

/** What to read, and where to. */
export interface PipeReadersOptions {
  /** The lines of a list of pipes, `host:path`. */
  readonly list: string;
  /** A folder for what is read. */
  readonly into: string;
  /** Pipes to make but not to read: a part of their names. */
  readonly leave?: readonly string[];
}

/** Reads pipes into files of the same name, as a careful user does by hand. Disposing of it stops that. */
export class PipeReaders implements AsyncDisposable {
  readonly paths: readonly string[];
  readonly #into: string;
  readonly #readers = new Map<string, Child>();

  private constructor(paths: readonly string[], into: string) {
    this.paths = paths;
    this.#into = into;
  }

  /** Makes the pipes and starts a reader for each. The one of statistics never sees an end. */
  static async start(options: PipeReadersOptions, signal: AbortSignal): Promise<PipeReaders> {
    const { list, into, leave = [] } = options;
    const paths = pathsOf(await readFile(list, "utf8"));
    await mkdir(into, { recursive: true });
    const readers = new PipeReaders(paths, into);
    for (const path of paths) {
      await mkdir(dirname(path), { recursive: true });
      await run("mkfifo", [path], {}, signal);
      if (!leave.some((part) => path.includes(part))) await readers.read(path, signal);
    }
    return readers;
  }

  /** Starts a reader of a pipe that has been left. */
  async read(path: string, signal: AbortSignal): Promise<Child> {
    const from = path.includes("gp_statistics") ? 'exec cat <> "$1"' : 'exec cat "$1"';
    const args = ["-c", `${from} > "$2"`, "sh", path, join(this.#into, basename(path))];
    const child = await Child.start("/bin/sh", args, {}, signal);
    this.#readers.set(path, child);
    return child;
  }

  /** The one path whose name contains this. */
  path(part: string): string {
    const found = this.paths.find((path) => basename(path).includes(part));
    if (found === undefined) throw new Error(`no pipe is called ${part}`);
    return found;
  }

  /** The reader of the pipe whose name contains this. */
  reader(part: string): Child {
    const child = this.#readers.get(this.path(part));
    if (!child) throw new Error(`no reader of ${part}`);
    return child;
  }

  /** What has been read from the pipe whose name contains this. */
  async received(part: string): Promise<Buffer> {
    return await readFile(join(this.#into, basename(this.path(part))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#readers.values()].map((child) => child.stop()));
  }
}

function pathsOf(list: string): string[] {
  const lines = list.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.slice(line.indexOf(":") + 1));
}

/** Reads `bytes` bytes from a pipe once it has a writer, and goes: with more in the pipe, or not. */
export async function readAndVanish(path: string, bytes: number): Promise<void> {
  const file = await open(path, constants.O_RDONLY);
  try {
    const buffer = Buffer.alloc(Math.min(bytes, 65_536));
    for (let left = bytes; left > 0; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(left, buffer.length));
      if (bytesRead === 0) throw new Error(`${path} ended with ${left} bytes to go`);
      left -= bytesRead;
    }
  } finally {
    await file.close();
  }
}
