import { closeSync, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { SHORT_TAIL } from "./line-tail.ts";
import { ToolOutput } from "./tool-output.ts";

/** As a process does that is not scheduled. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("what was said before the time is over is told, also if we have stood still until then", async () => {
  const output = await ToolOutput.open(() => {}, SHORT_TAIL);
  writeSync(output.fd, "last words\n"); // and it stays open, as a child of the tool would keep it
  const said = output.drain(1);
  standStill(50);
  expect(await said).toBe("last words");
  closeSync(output.fd);
});
