import { readFile } from "node:fs/promises";
import { listNames, PenstockError, toPenstockError } from "@penstock/common";
import type { FileLists } from "../producers/producer.ts";
import type { Loaded } from "./loaded.ts";

/** The two lists that a tool has written of its files. Throws `usage` for a file that cannot be read. */
export async function readFileLists(paths: readonly string[]): Promise<FileLists> {
  const [pipes = "", regularFiles = "", ...more] = paths;
  if (pipes === "" || regularFiles === "" || more.length > 0) {
    throw new PenstockError("usage", "--from-lists needs two files: PIPES and REGULAR_FILES");
  }
  return { pipes: await textOf(pipes), regularFiles: await textOf(regularFiles) };
}

/** The plan for such lists if none is named: the only one whose tool has them. */
export function planOfLists(loaded: Loaded): string {
  const names = Object.keys(loaded.config.plans).filter(
    (name) => loaded.producer(name).planFromLists !== undefined,
  );
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new PenstockError("usage", "name the plan whose hosts and targets --from-lists is for", {
    hint: `plans whose tools have such lists: ${names.length === 0 ? "none" : listNames(names)}`,
  });
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((cause: unknown) => {
    const { message } = toPenstockError(cause, `list ${path}`);
    throw new PenstockError("usage", message, { cause });
  });
}
