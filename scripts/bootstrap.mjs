// Runs a command on the Node that the project brings along, after installing the dependencies if
// they are missing or do not match package-lock.json. Needs nothing but Node 18 and npm.
//
//   node scripts/bootstrap.mjs vitest run

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR = 24;
const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const searchPath = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== bin);

if (!isInstalled()) install();
assertNode();
run(process.argv.slice(2));

/** True if what npm noted on installing is what package-lock.json asks for. */
function isInstalled() {
  const wanted = lockedPackages("package-lock.json");
  const installed = lockedPackages("node_modules/.package-lock.json");
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = installed[path];
    // An optional package may be for another platform; a path outside is a workspace of ours.
    if (!found) return optional === true || !path.startsWith("node_modules/");
    return found.version === version;
  });
}

function lockedPackages(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : undefined;
}

function install() {
  console.error("installing the dependencies (npm ci)");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2], // what the command prints stays alone on stdout
    env: { ...process.env, PATH: searchPath.join(delimiter) },
  });
  if (status !== 0) fail("npm ci failed: the dependencies are not installed");
}

function assertNode() {
  const ours = join(bin, "node");
  const node = existsSync(ours) ? ours : process.execPath;
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (Number(/^v(\d+)/.exec(version ?? "")?.[1]) >= NODE_MAJOR) return;
  const platform = `${process.platform}-${process.arch}`;
  fail(`Node ${NODE_MAJOR} is needed, and npm brings none for ${platform}: this is ${version}`);
}

function run([command, ...args]) {
  if (command === undefined) fail("usage: bootstrap.mjs COMMAND [ARGUMENT...]");
  const env = { ...process.env, PATH: [bin, ...searchPath].join(delimiter) };
  // Before the command exists: a signal that comes meanwhile waits for the next turn.
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.on("SIGINT", () => {
    // A terminal has sent it to the command as well.
    if (!process.stdin.isTTY) child.kill("SIGINT");
  });
  const child = spawn(command, args, { cwd: root, stdio: "inherit", env });
  child.on("error", (error) => fail(`${command}: ${error.message}`));
  child.on("exit", (status, signal) => {
    process.exitCode = status ?? 128 + constants.signals[signal];
  });
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}
