import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StartToolRequest } from "@penstock/proto";
import { expect, test } from "vitest";
import { RunTools } from "./run-tools.ts";
import { createFolder } from "./testing.ts";
import type { Tool } from "./tool.ts";
import type { ToolSpec } from "./tool-spec.ts";

const WATCH = { watch() {}, forget() {} };

/** Requests for a tool that leaves a line in a file each time it is started. */
async function openTools() {
  const folder = await createFolder();
  const tools = new RunTools(WATCH);
  const file = join(folder.path, "starts");
  const started: Tool[] = [];
  const start = (changes: Partial<StartToolRequest> = {}): Promise<Tool> => {
    const request = { toolId: "1", args: ["-c", `echo started >> ${file}`], ...changes };
    const { args } = StartToolRequest.fromPartial(request);
    const spec: ToolSpec = { name: "sh", path: "/bin/sh", args, env: {} };
    return tools.start(
      StartToolRequest.fromPartial({ ...request, env: { A: "1", B: "2" } }),
      () => spec,
      (tool) => started.push(tool),
    );
  };
  return {
    start,
    started,
    starts: async () => (await readFile(file, "utf8")).trim().split("\n").length,
    [Symbol.asyncDispose]: async () => {
      await tools.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a request that is repeated while the tool is being started gets the same process", async () => {
  await using tools = await openTools();
  const [one, other] = await Promise.all([tools.start(), tools.start()]);
  expect(other.pid).toBe(one.pid);
  await one.exited;
  expect(await tools.starts()).toBe(1);
  expect(tools.started).toEqual([one]);
});

test("a request that is repeated after the tool has exited starts nothing", async () => {
  await using tools = await openTools();
  const first = await tools.start();
  await first.exited;
  expect((await tools.start()).pid).toBe(first.pid);
  expect(await tools.starts()).toBe(1);
});

test("another request under the same id is refused, and another id starts another process", async () => {
  await using tools = await openTools();
  const first = await tools.start();
  const changed = tools.start({ args: ["-c", "exit 0"] });
  await expect(changed).rejects.toMatchObject({ code: "usage" });
  const second = await tools.start({ toolId: "2" });
  expect(second.pid).not.toBe(first.pid);
  await Promise.all([first.exited, second.exited]);
  expect(await tools.starts()).toBe(2);
});

test("a start that has failed is not tried again", async () => {
  await using tools = await openTools();
  for (let times = 0; times < 2; times++) {
    const started = tools.start({ args: ["\0"] });
    await expect(started).rejects.toMatchObject({ code: "usage" });
  }
});
