import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { collect } from "@penstock/common";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import { FifoReader } from "./fifo-reader.ts";
import { isGroupAlive, signalGroup } from "./process-group.ts";
import { createFolder, nodeModule, SOURCES, shell } from "./testing.ts";

const never = new AbortController().signal;

/** An agent with a consumer that has read a part of its input, and a tool that writes for ever. */
const AGENT = `
const { RunKeepers } = await import("${SOURCES}/run-keepers.ts");
const { FifoWriter } = await import("${SOURCES}/fifo-writer.ts");
const { startTool } = await import("${SOURCES}/tool.ts");
const [input, witness] = process.argv.slice(1);
const never = new AbortController().signal;
const keepers = await RunKeepers.start();
await keepers.guard([input]);
const consumer = 'exec 9>"$2"; cat "$1" >/dev/null; echo "clean end" >&9';
const script = (name, text, args) => ({
  name, path: "/bin/sh", args: ["-c", text, "sh", ...args], env: {},
});
await startTool(script("consumer", consumer, [input, witness]), keepers);
await startTool(script("backup", 'exec 9>"$1"; sleep 1000 & sleep 1000; wait', [witness]), keepers);
const writer = await FifoWriter.open(input, never);
await writer.write(Buffer.from("half a row"));
console.log("running");
process.stdin.resume();
`;

/** Kills that agent; then what the consumer and the backup tool said, once both are gone. */
async function witnessOfKill(): Promise<string> {
  await using folder = await createFolder();
  const [input, witness] = [join(folder.path, "input"), join(folder.path, "witness")];
  await makeFifo(input, 0o600);
  await makeFifo(witness, 0o600);
  await using reader = await FifoReader.open(witness);
  await using agent = nodeModule(AGENT, input, witness);
  expect(await agent.line()).toBe("running");
  process.kill(agent.pid, "SIGKILL");
  // Its end comes when the last process that holds it is gone: both tools and their children.
  return String(await collect(reader.chunks(never), 1000));
}

test("a killed agent leaves no tool behind, and its consumer sees no clean end", async () => {
  expect(await witnessOfKill()).toBe("");
});

/** An agent that guards a pipe, and has written a part into it. */
const GUARDING = `
const { RunKeepers } = await import("${SOURCES}/run-keepers.ts");
const { FifoWriter } = await import("${SOURCES}/fifo-writer.ts");
const [input] = process.argv.slice(1);
const keepers = await RunKeepers.start();
await keepers.guard([input]);
console.log("guarded");
const writer = await FifoWriter.open(input, new AbortController().signal);
await writer.write(Buffer.from("half a row"));
console.log("written");
process.stdin.resume();
`;

test("a consumer that others have started sees no clean end of a killed agent either", async () => {
  await using folder = await createFolder();
  const input = join(folder.path, "input");
  await makeFifo(input, 0o600);
  await using agent = nodeModule(GUARDING, input);
  expect(await agent.line()).toBe("guarded");
  await using consumer = shell('exec cat "$1"', input);
  expect(await agent.line()).toBe("written");
  process.kill(agent.pid, "SIGKILL");
  expect(await consumer.exited).toEqual({ code: null, signal: "SIGKILL" });
});

/** An agent that says the number of its tool's group and of its keeper's process. */
const WATCHING = `
const { spawn } = await import("node:child_process");
const { Keeper } = await import("${SOURCES}/keeper.ts");
const [last] = process.argv.slice(1);
const keeper = await Keeper.start();
const tools = [1, 2].map(() => spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }));
for (const tool of tools) keeper.watch(tool.pid);
keeper.forget(tools[0].pid);
if (last === "dismiss") await keeper.dismiss();
console.log(tools.map((tool) => tool.pid).join(" "));
process.stdin.resume();
`;

async function groupsAfterKill(last: string): Promise<number[]> {
  await using agent = nodeModule(WATCHING, last);
  const groups = (await agent.line()).split(" ").map(Number);
  process.kill(agent.pid, "SIGKILL");
  await agent.exited;
  return groups;
}

test("a group that was forgotten is not killed", async () => {
  const [forgotten = 0, watched = 0] = await groupsAfterKill("die");
  await expect.poll(() => isGroupAlive(watched)).toBe(false);
  expect(isGroupAlive(forgotten)).toBe(true);
  signalGroup(forgotten, "SIGKILL");
});

test("a keeper that was dismissed kills nothing", async () => {
  const groups = await groupsAfterKill("dismiss");
  expect(groups.map(isGroupAlive)).toEqual([true, true]);
  for (const group of groups) signalGroup(group, "SIGKILL");
});

/** An agent that says the numbers of its keeper's process and of its tool's group. */
const KEPT = `
const { spawn } = await import("node:child_process");
const { readFileSync } = await import("node:fs");
const { Keeper } = await import("${SOURCES}/keeper.ts");
const keeper = await Keeper.start();
const pid = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim();
const tool = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
keeper.watch(tool.pid);
console.log(pid + " " + tool.pid);
process.stdin.resume();
`;

test("no signal that ends an agent ends its keeper, which is gone soon after its work", async () => {
  await using agent = nodeModule(KEPT);
  const [keeper = 0, tool = 0] = (await agent.line()).split(" ").map(Number);
  const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;
  await expect.poll(() => ignoredBy(keeper)).toEqual(expect.arrayContaining([...signals]));
  for (const signal of signals) process.kill(keeper, signal);
  process.kill(agent.pid, "SIGKILL");
  await expect.poll(() => isGroupAlive(tool)).toBe(false);
  await expect.poll(() => isGroupAlive(keeper)).toBe(false);
});

/** Names of the signals that a process ignores. */
function ignoredBy(pid: number): string[] {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mask = BigInt(`0x${/SigIgn:\s*([0-9a-f]+)/.exec(status)?.[1]}`);
  const names = Object.entries(constants.signals);
  return names.filter(([, number]) => mask & (1n << BigInt(number - 1))).map(([name]) => name);
}
