import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const CHILD: string = fileURLToPath(new URL("./many-buffers.child.ts", import.meta.url));

test("buffers that are noted as used up do not pile up", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", CHILD]);
  expect(Number(stdout)).toBeGreaterThanOrEqual(30); // collected now and then, not each time
  expect(Number(stdout)).toBeLessThanOrEqual(100);
});
