import { closeSync, constants, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { openFifo } from "./fifo.ts";
import { growPipe } from "./grow-pipe.ts";
import { createPipe } from "./testing.ts";

const DEFAULT_BYTES = 64 * 1024;

test("many pipes that are opened in the same moment all grow", async () => {
  await using stack = new AsyncDisposableStack();
  const ends: number[] = [];
  for (let count = 0; count < 70; count++) {
    const { path } = stack.use(await createPipe());
    for (const flags of [constants.O_RDONLY, constants.O_WRONLY]) {
      const fd = openFifo(path, flags);
      stack.defer(() => closeSync(fd));
      if (flags === constants.O_WRONLY) ends.push(fd);
    }
  }
  await Promise.all(ends.map((fd) => growPipe(fd)));
  for (const fd of ends) {
    expect(writeSync(fd, Buffer.alloc(2 * DEFAULT_BYTES))).toBe(2 * DEFAULT_BYTES);
  }
});
