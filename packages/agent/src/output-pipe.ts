import { closeSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { toPenstockError } from "@penstock/common";
import { makeFifo, openFifo } from "./fifo.ts";
import { openWriteEnd } from "./fifo-pair.ts";

/** Both ends of a pipe; whoever asks for it closes them. */
export interface OutputPipe {
  readonly stream: Readable;
  /** The writing end, blocking, for a child. */
  readonly fd: number;
}

/**
 * Makes a pipe for what a tool says. What Node itself would give the tool is a socket, and a script
 * that opens /dev/stderr then fails. Node cannot make pipes either, so this one has a name, in a
 * folder for temporary files, until it is open.
 */
export async function createOutputPipe(): Promise<OutputPipe> {
  const folder = await mkdtemp(join(tmpdir(), "penstock-agent-"));
  try {
    const path = join(folder, "output");
    await makeFifo(path, 0o600);
    return openBothEnds(path);
  } catch (error) {
    throw toPenstockError(error, "make a pipe for a tool's output");
  } finally {
    await rm(folder, { recursive: true });
  }
}

function openBothEnds(path: string): OutputPipe {
  const reader = openFifo(path, constants.O_RDONLY);
  try {
    const fd = openWriteEnd(path);
    return { stream: new Socket({ fd: reader, readable: true, writable: false }), fd };
  } catch (error) {
    closeSync(reader);
    throw error;
  }
}
