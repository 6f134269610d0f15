import { run } from "../harness/child.ts";

/** Runs a system command, its words parted by blanks. Throws, with what it said, unless it exits 0. */
export async function command(line: string, signal: AbortSignal): Promise<string> {
  const [program = "", ...args] = line.split(" ");
  return await commandOf(program, args, signal);
}

/** The same with words that may hold blanks. */
export async function commandOf(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, {}, signal);
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")}: ${stderr.trim() || `status ${status}`}`);
}
