import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockState } from "./state-lock.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "state-lock-"));
});
afterEach(() => rm(dir, { recursive: true }));

test("a state directory has one user at a time, and is made if it is missing", async () => {
  const state = join(dir, "state");
  {
    await using _first = await lockState(state);
    await expect(lockState(join(dir, ".", "state"))).rejects.toThrow("in use by another agent");
  }
  await using _second = await lockState(state);
});

test("a path that is longer than a socket's name can be is locked, too", async () => {
  const state = join(dir, "s".repeat(200));
  await using _first = await lockState(state);
  await expect(lockState(state)).rejects.toThrow("in use by another agent");
});
