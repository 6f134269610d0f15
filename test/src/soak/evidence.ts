import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ground } from "./ground.ts";
import type { RoundResult } from "./round.ts";
import type { RoundPlan } from "./round-plan.ts";

/** Leaves what was planned in a round, what its commands said and what the agents logged, in files. */
export async function keepEvidence(
  ground: Ground,
  plan: RoundPlan,
  { attempts, problems, faults }: RoundResult,
): Promise<void> {
  const folder = join(ground.dir, "evidence", `round-${plan.number}`);
  await mkdir(folder, { recursive: true });
  const commands = attempts.map(({ args, outcome }) => ({ args, ...outcome }));
  const about = { problems, faults, plan };
  await writeFile(join(folder, "round.json"), JSON.stringify(about, undefined, 2));
  await writeFile(join(folder, "commands.json"), JSON.stringify(commands, undefined, 2));
  for (const { name, child } of ground.cluster.hosts) {
    await writeFile(join(folder, `agent-${name}.log`), child.stdout.text + child.stderr.text);
  }
}
