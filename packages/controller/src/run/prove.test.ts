import { expect, test } from "vitest";
import type { PlannedTool, Proof, RunPlan } from "../producers/producer.ts";
import type { RunReport } from "../runs/report.ts";
import type { ToolEnd } from "./held-run.ts";
import { checkProof, prove } from "./prove.ts";
import type { Session } from "./session.ts";
import { SessionInMemory } from "./test-support.ts";

/** Nobody is asked for a file that no proof names. */
const NO_SESSION = undefined as unknown as Session;
const DUMP: PlannedTool = {
  ...{ id: "dump", host: "mdw", tool: "gpbackup", args: [], env: {}, streams: [] },
  ...{ doubtfulStatuses: [1], origin: [] },
};

/** What comes of a run whose tool has exited so, and said this. */
async function proven(
  exitCode: number,
  judge: Proof["judge"] | undefined,
): Promise<{ warnings: readonly string[]; reports: RunReport[] }> {
  const plan: RunPlan = {
    ...{ streams: [], tools: [DUMP], files: [] },
    ...(judge && { proof: { files: [], judge } }),
  };
  const end: ToolEnd = { name: "gpbackup", exitCode, stderrTail: "", stdoutTail: "it is done\n" };
  const reports: RunReport[] = [];
  const seen = { ends: new Map([["dump", end]]), found: [{ host: "mdw", path: "/b/report" }] };
  const report = (told: RunReport): void => void reports.push(told);
  return { warnings: await prove(NO_SESSION, plan, seen, { report }), reports };
}

test("without a proof a good exit is enough", async () => {
  expect(await proven(0, undefined)).toEqual({ warnings: [], reports: [] });
});

test("a proof judges by what the tools said and left, and its warnings are reported", async () => {
  const { warnings, reports } = await proven(0, ({ output: { dump } }, found) => [
    `${dump?.trim()}, ${found.map(({ path }) => path).join()}`,
  ]);
  expect(warnings).toEqual(["it is done, /b/report"]);
  expect(reports).toEqual([{ event: "warning", message: "it is done, /b/report" }]);
});

test("a doubtful exit status that the proof is good for is a warning itself", async () => {
  const { warnings, reports } = await proven(1, () => ["a table is missing"]);
  expect(warnings).toEqual(["gpbackup on mdw exited with status 1", "a table is missing"]);
  expect(reports).toHaveLength(2);
});

test("what the proof misses fails the run", async () => {
  const judge = (): never => {
    throw new Error("no report on mdw");
  };
  await expect(proven(0, judge)).rejects.toThrow("no report on mdw");
});

test("a proof that its agent would not let be read is found before anything is begun", async () => {
  const session = new SessionInMemory();
  session.files.add("mdw:/b/report");
  const proofOf = (...paths: string[]): { proof: Proof } => ({
    proof: { files: paths.map((path) => ({ host: "mdw", path })), judge: () => [] },
  });
  await checkProof(session, proofOf("/b/report", "/b/not-yet"));
  await checkProof(session, {});
  await expect(checkProof(session, proofOf("/b/report", "/x/status"))).rejects.toMatchObject({
    ...{ code: "usage", message: "/x/status is outside" },
  });
});
