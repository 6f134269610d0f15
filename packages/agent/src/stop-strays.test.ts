import { randomInt } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import { assertStrays, stopStrays } from "./stop-strays.ts";
import { createFolder, isWaiting, SOURCES, shell } from "./testing.ts";

/** Nobody else's command line holds it. */
const newKey = (): string => `9${randomInt(10 ** 13, 10 ** 14 - 1)}`;

function recordingLog() {
  const lines: { pid: number; command: string; message: string }[] = [];
  const say = (fields: object, message: string): void => {
    lines.push({ ...(fields as { pid: number; command: string }), message });
  };
  return { lines, info: say, error: say };
}

/** Patient with whoever is slow to hear. */
const LIMITS = { killAfterMs: 60_000, limitMs: 60_000, quietMs: 50 };

test("processes with a stray's command line are asked to stop, and no others", async () => {
  const key = newKey();
  await using stray = shell(
    'trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done',
    `--k ${key}_`,
  );
  await using other = shell("echo ready; read -r x", `--k ${newKey()}_`);
  await Promise.all([stray.line(), other.line()]);
  const log = recordingLog();
  await stopStrays({ strays: [`--k ${key}_`], pipes: [] }, log, LIMITS);
  expect(await stray.exited).toEqual({ code: 7, signal: null });
  expect(process.kill(other.pid, 0)).toBe(true);
  const [line] = log.lines;
  expect(line).toMatchObject({ pid: stray.pid, message: "stray process stopped" });
  expect(line?.command).toContain(`--k ${key}_`);
});

test("arguments are joined by blanks, so a stray may span several", async () => {
  const key = newKey();
  await using stray = shell("echo ready; read -r x", "--gp-k", `${key}_1_2_`);
  await stray.line();
  await stopStrays({ strays: [`--gp-k ${key}_`], pipes: [] }, recordingLog(), LIMITS);
  expect(await stray.exited).toEqual({ code: null, signal: "SIGTERM" });
});

test("one that does not hear is killed", async () => {
  const key = newKey();
  await using stray = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done", `${key}_`);
  await stray.line();
  const limits = { ...LIMITS, killAfterMs: 100 };
  await stopStrays({ strays: [`${key}_`], pipes: [] }, recordingLog(), limits);
  expect(await stray.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("what is blocked at a pipe gets free: in its open, and in a write that outlives its signal", async () => {
  await using folder = await createFolder();
  const [first, second, told] = ["first", "second", "told"].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  for (const path of [first, second]) await makeFifo(path, 0o600);
  const key = newKey();
  // Its text holds no key: nobody asks it to stop. It may get to its write when nobody reads any more.
  const serving = 'trap "" PIPE; echo on its way; echo x 2> /dev/null > "$1"; echo free';
  await using server = shell(serving, first);
  const text = `trap '' TERM; echo ready; head -c 5000000 /dev/zero > "$1"; echo done > "$2"`;
  await using stray = shell(text, second, told, `${key}_`);
  await Promise.all([server.line(), stray.line()]);
  await expect.poll(() => isWaiting(server.pid)).toBe(true);
  await stopStrays({ strays: [`${key}_`], pipes: [first, second] }, recordingLog(), LIMITS);
  expect(await server.line()).toBe("free");
  expect(await stray.exited).toEqual({ code: 0, signal: null });
  expect(await readFile(told, "utf8")).toBe("done\n");
});

test("what is no pipe is not touched, and one that is not there is passed over", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  await writeFile(path, "rows");
  const pipes = [path, join(folder.path, "none")];
  await stopStrays({ strays: [`${newKey()}_`], pipes }, recordingLog(), LIMITS);
  expect(await readFile(path, "utf8")).toBe("rows");
});

test("what is left when the time is over is told", async () => {
  const key = newKey();
  await using stray = shell("trap '' TERM; echo ready; read -r x", `${key}_`);
  await stray.line();
  const log = recordingLog();
  const limits = { ...LIMITS, limitMs: 200 };
  await stopStrays({ strays: [`${key}_`], pipes: [] }, log, limits);
  expect(log.lines).toMatchObject([{ pid: stray.pid, message: "stray process does not end" }]);
});

const STOPPING = `
const { stopStrays } = await import("${SOURCES}/stop-strays.ts");
const log = { info: () => console.log("stopped one"), error: () => {} };
const limits = { killAfterMs: 0, limitMs: 60_000, quietMs: 0 };
await stopStrays({ strays: [process.argv[1]], pipes: [] }, log, limits);
console.log("alive");
`;

test("neither we nor those that have started us are strays", async () => {
  const stray = `--k ${newKey()}_`;
  const script = '"$1" --conditions=source --input-type=module -e "$2" -- "$3"; echo "and so am I"';
  await using parent = shell(script, process.execPath, STOPPING, stray);
  expect([await parent.line(), await parent.line()]).toEqual(["alive", "and so am I"]);
});

test("a part of a command line that could be anybody's is refused at its place", () => {
  assertStrays(["gp_dump_agent --gp-k 20261120110000_", "20261120110000_post_data"]);
  for (const stray of ["", "gp_dump_agent", "20261120110000", " 20261120110000 ", "x 2026112011"]) {
    expect(() => assertStrays(["x 20261120110000", stray])).toThrow(
      expect.objectContaining({
        code: "usage",
        place: { list: "strays", index: 1, field: "" },
      }),
    );
  }
});
