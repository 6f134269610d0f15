import { join } from "node:path";
import { Child, type ChildOptions, type Outcome, run } from "./child.ts";

/** The programs that users start, run here from their sources: no build is needed. */
export type ProgramName = "penstock" | "penstock-agent";

const REPOSITORY = join(import.meta.dirname, "../../..");
const ENTRIES: Readonly<Record<ProgramName, string>> = {
  penstock: join(REPOSITORY, "packages/controller/src/main.ts"),
  "penstock-agent": join(REPOSITORY, "packages/agent/src/main.ts"),
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

function nodeArgs(name: ProgramName, args: readonly string[]): string[] {
  return ["--conditions=source", ENTRIES[name], ...args];
}
