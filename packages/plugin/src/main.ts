import { writeSync } from "node:fs";
import { runCommand } from "./commands.ts";
import { messageOf } from "./failure.ts";
import { watchParent } from "./parent.ts";

watchParent(fail);
try {
  await runCommand(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  fail(error);
}

/** Ends at once: neither the standard input nor the agent is waited for. */
function fail(error: unknown): never {
  // Who does not read on needs no word of it, and gprestore takes any for a failure of ours.
  if (!isBrokenPipe(error)) say(`${messageOf(error)}\n`);
  process.exit(1);
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

function say(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // There is nobody left to hear it.
  }
}
