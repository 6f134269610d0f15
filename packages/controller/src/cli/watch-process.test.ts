import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { processGone } from "./watch-process.ts";

const NEVER: AbortSignal = new AbortController().signal;

test("a process is gone when it is killed, or was never there", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const gone = processGone(child.pid ?? 0, NEVER);
  child.kill("SIGKILL");
  await gone;
  await processGone(child.pid ?? 0, NEVER);
});

test("who waits no longer is told so", async () => {
  const stop = new AbortController();
  const gone = processGone(process.pid, stop.signal);
  stop.abort(new Error("enough"));
  await expect(gone).rejects.toThrow("enough");
});
