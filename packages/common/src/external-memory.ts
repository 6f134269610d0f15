import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How many bytes of buffers may have been used up before they are collected. */
const COLLECT_EVERY_BYTES = 32 * 1024 * 1024;

type CollectGarbage = (options: { readonly type: "minor" }) => void;

/**
 * Call first in a process that moves streams. V8 otherwise marks the whole heap each time that 64 MiB
 * of buffers were allocated, however short their lives: about 70 times per GiB, more CPU time than
 * TLS and digests together. With the flag it counts buffers as it counts objects. It holds for all
 * threads of the process.
 */
export function countBuffersAsHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--expose-gc"); // for `noteUsedUp`, in contexts that are made from now on
}

let usedUpBytes = 0;
let collect: CollectGarbage | undefined;

/**
 * So many bytes of buffers will not be needed any more, or soon: those of one message of a stream. V8
 * sees the few bytes of a buffer's object, not its memory, and while the machine is busy would
 * let a GiB of it lie about. Collecting young objects, of which few live, takes about a millisecond.
 * Without `countBuffersAsHeap` nothing happens.
 */
export function noteUsedUp(bytes: number): void {
  usedUpBytes += bytes;
  if (usedUpBytes < COLLECT_EVERY_BYTES) return;
  usedUpBytes = 0;
  collect ??= (runInNewContext("globalThis.gc") as CollectGarbage | undefined) ?? (() => {});
  collect({ type: "minor" });
}
