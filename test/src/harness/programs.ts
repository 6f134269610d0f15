import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Child, type ChildOptions, type Outcome, run } from "./child.ts";

/** The programs that users start, run here from their sources: no build is needed. */
export type ProgramName = "penstock" | "penstock-agent" | "gpbackup_penstock_plugin";

const REPOSITORY = join(import.meta.dirname, "../../..");
/** Types are taken out of a source once, not at each start: that would double its time. */
const COMPILE_CACHE = join(REPOSITORY, "node_modules/.cache/node-compile");
const ENTRIES: Readonly<Record<ProgramName, string>> = {
  penstock: join(REPOSITORY, "packages/controller/src/main.ts"),
  "penstock-agent": join(REPOSITORY, "packages/agent/src/main.ts"),
  gpbackup_penstock_plugin: join(REPOSITORY, "packages/plugin/src/main.ts"),
};

/** Starts one of the programs as a process of its own. */
export async function startProgram(
  name: ProgramName,
  args: readonly string[],
  options: ChildOptions,
  signal: AbortSignal,
): Promise<Child> {
  return await Child.start(process.execPath, nodeArgs(name, args), options, signal);
}

/** Runs one of the programs to its end. */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  options: ChildOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  return await run(process.execPath, nodeArgs(name, args), options, signal);
}

/** How a program is started, as words for a shell: to put it into a pipeline. */
export function programWords(name: ProgramName, args: readonly string[]): string {
  return [process.execPath, ...nodeArgs(name, args)].map((word) => `'${word}'`).join(" ");
}

/**
 * Puts an executable file of the program's name into a folder, for tools that want its path: as installed,
 * it needs nothing of its environment, and Greenplum's does it no harm. Returns its path.
 */
export async function installProgram(name: ProgramName, folder: string): Promise<string> {
  const path = join(folder, name);
  const lines = [
    "#!/bin/sh",
    "unset LD_LIBRARY_PATH LD_PRELOAD NODE_OPTIONS NODE_PATH PYTHONHOME PYTHONPATH",
    "unset NODE_DEBUG NODE_EXTRA_CA_CERTS NODE_V8_COVERAGE",
    "export NODE_NO_WARNINGS=1",
    `export NODE_COMPILE_CACHE='${COMPILE_CACHE}'`,
    `exec ${programWords(name, [])} "$@"`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o755 });
  return path;
}

function nodeArgs(name: ProgramName, args: readonly string[]): string[] {
  return ["--conditions=source", ENTRIES[name], ...args];
}
