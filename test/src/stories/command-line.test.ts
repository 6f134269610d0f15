import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Outcome, run } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { type ProgramName, runProgram } from "../harness/programs.ts";
import { expectFailure } from "./stage.ts";

guardChildren();
const signal = AbortSignal.timeout(120_000);
const COMMANDS = ["plan", "backup", "restore", "list", "show", "verify", "cat", "check", "pki"];

const start = (name: ProgramName, ...args: string[]): Promise<Outcome> =>
  runProgram(name, args, {}, signal);

describe("what is not understood is said in one sentence, with where to look", () => {
  test.for([
    [[], "name a command", ""],
    [["bakcup"], "unknown command; did you mean backup?", ""],
    [["frobnicate"], "frobnicate is not understood", ""],
    [["backup"], "name a plan, or a set with --resume", "backup "],
    [["backup", "a", "b"], "b is not understood", "backup "],
    [["restore", "nightly"], "set is missing", "restore "],
    [["list", "--no-such-option"], "such-option", "list "],
    [["list", "-o", "xml"], '--output is "xml"; allowed: "text", "json"', "list "],
    [["list", "--config"], "config needs a value", "list "],
    [["pki"], "0 arguments are not enough, there must be 1", "pki "],
    [
      ["pki", "issue", "--dir", "x", "--role", "king", "--name", "y"],
      '"agent", "controller"',
      "pki ",
    ],
  ] as const)("penstock %s", async ([args, words, command]) => {
    const outcome = await start("penstock", ...args);
    expectFailure(outcome, 2, [words, `hint: see: penstock ${command}--help`]);
    expect(outcome.stdout).toBe("");
  });

  test("an option twice", async () => {
    const outcome = await start("penstock", "list", "--config", "a", "--config", "b");
    expectFailure(outcome, 2, ["--config is given more than once"]);
  });

  test("penstock-agent", async () => {
    expectFailure(await start("penstock-agent"), 2, ["name a command", "run"]);
    expectFailure(await start("penstock-agent", "rnu"), 2, [
      "rnu",
      "hint: see: penstock-agent --help",
    ]);
  });
});

test("help and version are on standard output", async () => {
  const help = await start("penstock", "--help");
  expect(help).toMatchObject({ status: 0, stderr: "" });
  for (const command of COMMANDS) expect(help.stdout).toContain(`penstock ${command}`);
  expect((await start("penstock", "backup", "--help")).stdout).toContain("--config");
  for (const name of ["penstock", "penstock-agent"] as const) {
    const version = await start(name, "--version");
    expect(version).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  }
});

describe("an older Node is told so in one line, by", () => {
  test.for([
    ["penstock", "packages/controller/bin/penstock.js"],
    ["penstock-agent", "packages/agent/bin/penstock-agent.js"],
  ] as const)("%s", async ([name, path]) => {
    const file = join(import.meta.dirname, "../../..", path);
    const outcome = await runWithOlderNode(file);
    const line = new RegExp(`^error: ${name} needs Node 24 or newer, this is v[^\\n]*\\n$`);
    expect(outcome).toMatchObject({ status: 2, stdout: "", stderr: expect.stringMatching(line) });
  });
});

/** Runs a program by the system's own Node if that is older, else by ours that says it were. */
async function runWithOlderNode(file: string): Promise<Outcome> {
  for (const node of ["/usr/bin/node", "/usr/local/bin/node"]) {
    const version = await run(node, ["--version"], {}, signal).catch(() => undefined); // not there
    const isOlder = Number.parseInt(version?.stdout.slice(1) ?? "", 10) < 24;
    if (isOlder) return await run(node, [file], {}, signal);
  }
  const disguise = `
    Object.defineProperty(process, "versions", { value: { node: "20.0.0" } });
    Object.defineProperty(process, "version", { value: "v20.0.0" });`;
  const preload = `data:text/javascript,${encodeURIComponent(disguise)}`;
  return await run(process.execPath, ["--import", preload, file], {}, signal);
}
