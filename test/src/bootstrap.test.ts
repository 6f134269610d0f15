import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Child, type Outcome, run } from "./harness/child.ts";
import { guardChildren } from "./harness/guard-children.ts";
import { TempDir } from "./harness/temp-dir.ts";

guardChildren();
const signal = AbortSignal.timeout(300_000);
const LOCK = { "": {}, "node_modules/a": { version: "1.0.0" }, "packages/b": { version: "0.1.0" } };
const OTHER_PLATFORM = { "node_modules/c": { version: "2.0.0", optional: true } };
let temp: TempDir;
let script: string;

/** A project of its own with a stand-in for npm, which notes its arguments and installs nothing. */
beforeEach(async () => {
  temp = await TempDir.create();
  script = join(temp.path, "scripts/bootstrap.mjs");
  for (const folder of ["scripts", "node_modules/.bin", "programs"]) {
    await mkdir(join(temp.path, folder), { recursive: true });
  }
  await copyFile(join(import.meta.dirname, "../../scripts/bootstrap.mjs"), script);
  await symlink(process.execPath, join(temp.path, "node_modules/.bin/node"));
  const npm = `#!/bin/sh\necho "$@" > '${temp.path}/npm-called'\n`;
  await writeFile(join(temp.path, "programs/npm"), npm, { mode: 0o755 });
  await writeLock("package-lock.json", { ...LOCK, ...OTHER_PLATFORM });
});

afterEach(async () => await temp[Symbol.asyncDispose]());

async function writeLock(file: string, packages: object): Promise<void> {
  await writeFile(join(temp.path, file), JSON.stringify({ packages }));
}

async function bootstrap(...args: string[]): Promise<Outcome> {
  return await run(process.execPath, [script, ...args], { env: environment() }, signal);
}

function environment(): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { ...process.env, PATH: `${join(temp.path, "programs")}:${PATH}` };
}

async function npmCall(): Promise<string> {
  return await readFile(join(temp.path, "npm-called"), "utf8").catch(() => "");
}

test("with everything installed, the command runs with our Node first in its path", async () => {
  await writeLock("node_modules/.package-lock.json", LOCK);
  const outcome = await bootstrap("sh", "-c", "command -v node; exit 7");
  expect(outcome).toMatchObject({ status: 7, stderr: "" });
  expect(outcome.stdout).toBe(`${join(temp.path, "node_modules/.bin/node")}\n`);
  expect(await npmCall()).toBe("");
});

test("without node_modules the dependencies are installed first", async () => {
  const outcome = await bootstrap("echo", "done");
  expect(outcome).toMatchObject({ status: 0, stdout: "done\n" });
  expect(outcome.stderr).toContain("installing the dependencies");
  expect(await npmCall()).toMatch(/^ci /);
});

test("a package of another version is installed anew", async () => {
  await writeLock("node_modules/.package-lock.json", {
    ...LOCK,
    "node_modules/a": { version: "0.9.0" },
  });
  await bootstrap("true");
  expect(await npmCall()).toMatch(/^ci /);
});

test("the command is not run when the installation fails", async () => {
  await writeFile(join(temp.path, "programs/npm"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const outcome = await bootstrap("echo", "done");
  expect(outcome).toMatchObject({ status: 1, stdout: "" });
  expect(outcome.stderr).toContain("error: npm ci failed");
});

test("a signal is passed on, and the command's own exit status comes back", async () => {
  await writeLock("node_modules/.package-lock.json", LOCK);
  const command = ["sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done"];
  const options = { env: environment() };
  await using child = await Child.start(process.execPath, [script, ...command], options, signal);
  await child.stdout.waitFor(/up/, signal);
  child.kill("SIGTERM");
  expect((await child.outcome).status).toBe(5);
});
