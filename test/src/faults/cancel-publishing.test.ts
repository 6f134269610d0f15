import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Child } from "../harness/child.ts";
import { ONE_PIPE, toPlan } from "../stories/shell-plan.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop } from "./expect-failed.ts";
import { FAULT_LIMIT_MS } from "./story.ts";

const stage = openStage({ hosts: ["sdw1"] });
const FILES = 30;
/** The files are the tool's, and stay with their folder. */
const OWN_FILES = /\/\d{14}(\/\d+\.log)?$/;

/** Many files that are complete as soon as they are begun: what takes time is to show them. */
async function start(): Promise<Child> {
  const folder = "{root}/{set}";
  const plan = toPlan(stage, {
    hosts: ["sdw1"],
    streams: ONE_PIPE,
    backup: `for i in $(seq ${FILES}); do echo "$i" > ${folder}/$i.log; done; echo > ${folder}/app.pipe`,
    files: [`${folder}/*.log`],
    settings: { compression: "none" },
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  return await stage.startPenstock("backup", "nightly", "-o", "json");
}

test.each([
  ["any", "received"],
  ["last", "received"],
  ["any", "done"],
  ["last", "done"],
] as const)(
  "a backup that is cancelled when %s of its collected files is %s does not hang, and is failed or whole",
  async (which, state) => {
    await using command = await start();
    const name = which === "any" ? "" : `\\.${FILES}`;
    const moment = new RegExp(`"stream":"[^"]*${name}\\.log"[^\\n]*"state":"${state}"`);
    await command.stdout.waitFor(moment, stage.signal);
    command.kill("SIGINT");
    const { exited } = command;
    const late = AbortSignal.timeout(FAULT_LIMIT_MS);
    const isLate = new Promise((_, reject) => {
      late.addEventListener("abort", () => reject(new Error("it hangs")), { once: true });
    });
    await Promise.race([exited, isLate]);
    const { status, stderr } = await command.outcome;
    const isWhole = which === "last" && status === 0; // it came too late to undo anything
    if (!isWhole) expect(stderr).toMatch(/^error: cancelled by SIGINT$/m);
    expect(status).toBe(isWhole ? 0 : 130);
    const left = await stage.cluster.leftOvers();
    expect(left.filter((one) => !OWN_FILES.test(one))).toEqual([]);
    const [newest] = await stage.sets();
    expect(newest).toMatchObject({ status: isWhole ? "committed" : "failed" });
    expect(await readdir(stage.cluster.store)).toEqual(["warehouse"]);
  },
);

test("after all this the agent stops at once and has nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
