import { expect, test } from "vitest";
import { endRun, type RunRemains } from "./run-end.ts";

const NOTHING = { strays: [], pipes: [] };

/** A run that tells the order in which it is ended, and in which something may fail. */
function openRemains(failing: readonly string[] = []): { said: string[]; remains: RunRemains } {
  const said: string[] = [];
  const step = async (name: string): Promise<void> => {
    said.push(name);
    if (failing.includes(name)) throw new Error(`${name} has failed`);
  };
  const remains: RunRemains = {
    tools: { stop: () => step("stop tools") },
    plugin: { settled: () => step("plugin") },
    streams: {
      refuseMore: () => void said.push("refuse"),
      pipesOf: () => [],
      close: (which) => step(`close ${which}`),
    },
    keepers: { [Symbol.asyncDispose]: () => step("keepers") },
    journal: { straySearch: NOTHING, removeMade: () => step("remove") },
    log: {
      info() {},
      error: (fields) => void said.push(`${(fields as { err: Error }).err.message}`),
    },
  };
  return { said, remains };
}

test("tools are stopped before anything is closed, and what was made is removed last", async () => {
  const { said, remains } = openRemains();
  await endRun(remains, { isAborted: true });
  expect(said).toEqual([
    ...["refuse", "stop tools", "close backup", "close all", "keepers", "plugin", "remove"],
  ]);
});

test("a tool that does not die keeps the pipes of a restore open, and all else is cleaned", async () => {
  const { said, remains } = openRemains(["stop tools"]);
  await endRun(remains, { isAborted: true });
  expect(said).toEqual([
    ...["refuse", "stop tools", "stop tools has failed", "close backup"],
    ...["close without consumers", "plugin", "remove"],
  ]);
});

test("whatever fails is told, and the rest is done", async () => {
  const failing = ["close backup", "close without consumers", "plugin", "remove"];
  const { said, remains } = openRemains(failing);
  await endRun(remains, { isAborted: true });
  expect(said.filter((line) => line.endsWith("failed"))).toEqual(
    failing.map((name) => `${name} has failed`),
  );
});
