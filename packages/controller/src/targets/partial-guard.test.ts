import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { PartialArea } from "./partial-area.ts";
import { createPartialGuard } from "./partial-guard.ts";
import { openTarget } from "./targets.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "./test-support.ts";

const KILLED_WRITER: string = fileURLToPath(new URL("./killed-writer.child.ts", import.meta.url));
const STOP_SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
const NEVER: AbortSignal = new AbortController().signal;

let root: TemporaryDirectory;
beforeEach(async () => {
  root = await createTemporaryDirectory();
});
afterEach(() => root[Symbol.asyncDispose]());

it("a killed process's objects disappear, whatever the root is called", async () => {
  const odd = join(root.path, `-rf 'two  words' "$(exit)"\n*`);
  const child = await startWriter(odd);
  expect(await readdir(join(odd, ".partial"))).toEqual(["run1", "run2", "~put"]);
  const gone = whenGone(join(odd, ".partial"));
  child.kill("SIGKILL");
  await gone;
  expect(await readdir(odd)).toEqual(["put"]);
});

it("another opener's objects of the same run stay when a process is killed", async () => {
  await using target = await openTarget({ url: pathToFileURL(root.path).href }, NEVER);
  const writer = await target.create("mine", "run1", NEVER);
  await writer.write(Buffer.from("mine"));
  const child = await startWriter(root.path);
  const gone = whenGone(join(root.path, ".partial", "run2"));
  const goneToo = whenGone(join(root.path, ".partial", "~put"));
  child.kill("SIGKILL");
  await Promise.all([gone, goneToo]);
  await writer.commit();
  expect(await target.list("", NEVER)).toEqual(["mine", "put"]);
});

it("a process that just ends without disposing has its objects removed as well", async () => {
  const child = await startWriter(root.path);
  const gone = whenGone(join(root.path, ".partial"));
  child.stdin?.end();
  expect(await once(child, "exit")).toEqual([0, null]);
  await gone;
});

it("the guard outlives the signals that stop a service", async () => {
  const child = await startWriter(root.path);
  const guards = await findGuards(root.path);
  expect(guards).toHaveLength(3);
  await expect.poll(() => Promise.all(guards.map(isDeaf))).toEqual([true, true, true]);
  for (const pid of guards) for (const signal of STOP_SIGNALS) process.kill(pid, signal);
  const gone = whenGone(join(root.path, ".partial"));
  child.kill("SIGKILL");
  await gone;
});

it("what somebody is about to take over stays, and can be completed", async () => {
  await using target = await openTarget({ url: pathToFileURL(root.path).href }, NEVER);
  const child = await startWriter(root.path);
  await target.keepOrphans?.("run1", NEVER);
  const gone = whenGone(join(root.path, ".partial", "run2"));
  child.kill("SIGKILL");
  await gone;
  await expect.poll(() => findGuards(root.path)).toEqual([]);
  const left = await target.takeOver?.("half", "run1", NEVER);
  const writer = await left?.seal(4, NEVER);
  await writer?.commit();
  expect(await readFile(join(root.path, "half"), "utf8")).toBe("half");
  await target.sweep("run1", NEVER);
  expect(await readdir(root.path)).toEqual(["half", "put"]);
});

it("what was taken over from a process outlives its death and its guard", async () => {
  await using target = await openTarget({ url: pathToFileURL(root.path).href }, NEVER);
  const child = await startWriter(root.path);
  const left = await target.takeOver?.("half", "run1", NEVER);
  const gone = whenGone(join(root.path, ".partial", "run2"));
  child.kill("SIGKILL");
  await gone;
  await expect.poll(() => findGuards(root.path)).toHaveLength(1); // our own
  await (await left?.seal(2, NEVER))?.commit();
  expect(await readFile(join(root.path, "half"), "utf8")).toBe("ha");
});

it("what a process makes is guarded before it is there", async () => {
  await using area = new PartialArea(root.path, 0);
  const made = area.directory("run");
  const guards = readdirSync("/proc").filter((pid) => {
    return /^\d+$/.test(pid) && readNow(`/proc/${pid}/cmdline`).includes(root.path);
  });
  await made;
  expect(guards).toHaveLength(1);
});

it("nobody is waited for by what nobody can take over", async () => {
  const url = pathToFileURL(root.path).href;
  await using target = await openTarget({ url, orphanMs: 60_000 }, NEVER);
  await target.putIfAbsent("c/set/a.json", Buffer.from("{}"), NEVER);
  expect(await findGuards(root.path)).toHaveLength(1);
});

it("a clean end removes nothing, and may be repeated", async () => {
  const guarded = join(root.path, "guarded");
  await mkdir(guarded);
  await writeFile(join(guarded, "file"), "kept");
  const guard = createPartialGuard(guarded, [root.path], 0);
  await guard[Symbol.asyncDispose]();
  await guard[Symbol.asyncDispose]();
  expect(await readdir(guarded)).toEqual(["file"]);
});

it("without a shell there is no guard and no error", async () => {
  vi.stubEnv("PATH", root.path);
  onTestFinished(() => void vi.unstubAllEnvs());
  await using _guard = createPartialGuard(join(root.path, "guarded"), [], 0);
});

/** A process that has written parts of objects below `directory`. */
async function startWriter(directory: string): Promise<ChildProcess> {
  const url = pathToFileURL(directory).href;
  const child = spawn(process.execPath, ["--conditions=source", KILLED_WRITER, url], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

/** Empty for a process that has just ended. */
function readNow(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** What the child's target is opened with: nobody will take over from it. */
const ORPHAN_SECONDS = "0";

/** Process ids of the guards of what is below `directory`. */
async function findGuards(directory: string): Promise<number[]> {
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  const isGuard = async (pid: number): Promise<boolean> => {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""); // it has ended
    return commandLine.includes(`\0penstock-guard\0${ORPHAN_SECONDS}\0${directory}/`);
  };
  const found = await Promise.all(pids.map(isGuard));
  return pids.filter((_, i) => found[i]);
}

/** True once a process ignores the signals that stop a service. */
async function isDeaf(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const ignored = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1]}`);
  return STOP_SIGNALS.every(
    (name) => ((ignored >> BigInt(constants.signals[name] - 1)) & 1n) === 1n,
  );
}

/** Resolves when `path`, which is there now, has been removed. */
function whenGone(path: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(path), () => {
      if (existsSync(path)) return;
      watcher.close();
      resolve();
    });
  });
}
