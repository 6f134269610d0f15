import { countBuffersAsHeap, noteUsedUp } from "./external-memory.ts";

// Uses up 1 GiB of buffers, one after another, and prints the most MiB that were there at a time.
const MIB = 2 ** 20;
const BUFFER_BYTES = MIB / 4;

countBuffersAsHeap();
let mostBytes = 0;
for (let used = 0; used < 1024 * MIB; used += BUFFER_BYTES) {
  Buffer.allocUnsafe(BUFFER_BYTES).fill(1);
  mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers);
  noteUsedUp(BUFFER_BYTES);
}
console.log(Math.round(mostBytes / MIB));
