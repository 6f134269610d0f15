import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Child, run } from "../harness/child.ts";
import type { GreenplumStage } from "./greenplum-stage.ts";

/** A dump as somebody does it by hand: lists, pipes, and gpcrondump. */
export class DumpByHand {
  /** The pipes of the list. */
  readonly paths: readonly string[];
  /** What `--from-lists` wants. */
  readonly lists: readonly [pipes: string, regularFiles: string];
  readonly #stage: GreenplumStage;
  readonly #args: readonly string[];

  private constructor(
    stage: GreenplumStage,
    args: readonly string[],
    lists: readonly [string, string],
    paths: readonly string[],
  ) {
    this.#stage = stage;
    this.#args = args;
    this.lists = lists;
    this.paths = paths;
  }

  /** Has gpcrondump make the lists for this key. */
  static async list(
    stage: GreenplumStage,
    key: string,
    options: readonly string[],
  ): Promise<DumpByHand> {
    const { greenplum, signal } = stage;
    const args = ["-x", "testdb", "-K", key, "-u", greenplum.dumpDirectory, ...options];
    const listed = await greenplum.run("gpcrondump", [...args, "--list-backup-files"], signal);
    if (listed.status !== 0) throw new Error(listed.stdout);
    const stem = join(greenplum.dumpDirectory, "db_dumps", key.slice(0, 8), `gp_dump_${key}`);
    const lists = [`${stem}_pipes`, `${stem}_regular_files`] as const;
    return new DumpByHand(stage, args, lists, await pathsOf(lists[0]));
  }

  /** Makes the pipes of the list. */
  async makePipes(): Promise<void> {
    for (const path of this.paths) {
      await mkdir(dirname(path), { recursive: true });
      await run("mkfifo", [path], {}, this.#stage.signal);
    }
  }

  /** Starts gpcrondump. */
  async start(): Promise<Child> {
    const { greenplum, signal } = this.#stage;
    return await greenplum.spawn("gpcrondump", ["-a", "-b", ...this.#args], signal);
  }
}

async function pathsOf(list: string): Promise<string[]> {
  const lines = (await readFile(list, "utf8")).trimEnd().split("\n");
  return lines.map((line) => line.slice(line.indexOf(":") + 1));
}
