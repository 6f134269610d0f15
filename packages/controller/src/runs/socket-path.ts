import { open } from "node:fs/promises";
import { join } from "node:path";
import type { RunFolder } from "./run-folder.ts";

const FILE = "control.sock";
/** See unix(7): 108 bytes with the closing zero. */
const LONGEST_BYTES = 107;

/** Where the control socket of a run is. */
export interface SocketPath extends AsyncDisposable {
  /** Short enough for an address; valid until this is disposed of. */
  readonly path: string;
}

/** The path of a run's control socket: one that is too long is reached through its open folder. */
export async function openSocketPath({ path: folder }: RunFolder): Promise<SocketPath> {
  const path = join(folder, FILE);
  if (Buffer.byteLength(path) <= LONGEST_BYTES) {
    return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const handle = await open(folder, "r");
  return {
    path: `/proc/self/fd/${handle.fd}/${FILE}`,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
