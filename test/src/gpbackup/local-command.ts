import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { RemoteOutcome } from "./machine-client.ts";

/** Runs a command of bash here, as a child in our own process group, with our environment. */
export async function runHere(command: string): Promise<RemoteOutcome> {
  const child = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  return { status: child.exitCode ?? undefined, stdout, stderr };
}
