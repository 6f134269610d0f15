import { expect, test } from "vitest";
import { toPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1"] });

test("a stream that is not required may stay unopened, and is then not in the set", async () => {
  const streams = [
    { name: "rows", kind: "fifo", path: "{root}/{set}/rows" },
    { name: "extra", kind: "fifo", path: "{root}/{set}/extra", required: false },
  ];
  const write = "cd {root}/{set}; seq 1 1000 > rows";
  const plan = { hosts: ["sdw1"], streams, settings: { grace: "300ms" } };
  const without = toPlan(stage, { ...plan, backup: write });
  const withIt = toPlan(stage, { ...plan, backup: `${write}; echo more > extra` });
  await stage.cluster.configure({ plans: { without, with: withIt } });
  const names = async (name: string): Promise<string[]> =>
    (await stage.backup(name)).streams.map((stream) => stream.name);
  await expect(names("without")).resolves.toEqual(["rows"]);
  await expect(names("with")).resolves.toEqual(["rows", "extra"]);
  await stage.ok("verify", "LATEST");
});
