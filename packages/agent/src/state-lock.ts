import { mkdir, realpath } from "node:fs/promises";
import { lockByName, PenstockError } from "@penstock/common";

/**
 * Keeps a second agent from using the same state directory: it would take the live runs of the first
 * for those of a dead one. Throws `usage` if there is one. The directory is made if it is missing.
 */
export async function lockState(stateDirectory: string): Promise<AsyncDisposable> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const lock = await lockByName(`agent ${await realpath(stateDirectory)}`);
  if (lock !== undefined) return lock;
  const message = `state directory ${stateDirectory} is in use by another agent`;
  throw new PenstockError("usage", message, {
    hint: "is this agent running already? every agent needs a stateDirectory of its own",
  });
}
