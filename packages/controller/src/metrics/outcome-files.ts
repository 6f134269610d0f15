import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isErrno, renderMetrics } from "@penstock/common";
import { PLAN_METRICS } from "./plan-metrics.ts";
import { mergeOutcomes, type PlanOutcome, planOutcomeSchema } from "./plan-outcome.ts";

/** For whoever collects it: no secret is in it. */
const MODE = 0o644;

/** What the runs of this host have noted of their plans; what cannot be read is passed over. */
export async function readOutcomes(runDirectory: string): Promise<PlanOutcome[]> {
  const folder = join(runDirectory, "outcomes");
  const clusters = await namesIn(folder);
  const files = clusters.map(async (cluster) => {
    const names = (await namesIn(join(folder, cluster))).filter((name) => name.endsWith(".json"));
    return await Promise.all(names.sort().map((name) => readOutcome(join(folder, cluster, name))));
  });
  return (await Promise.all(files)).flat().filter((outcome) => outcome !== undefined);
}

/**
 * Notes what a backup came to in `<runDirectory>/outcomes/CLUSTER/PLAN.json`, and renders all that is noted
 * there into `<runDirectory>/metrics.prom`. Whoever reads these files sees the old text or the new one.
 */
export async function noteOutcome(runDirectory: string, outcome: PlanOutcome): Promise<void> {
  const folder = join(runDirectory, "outcomes", outcome.cluster);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${outcome.plan}.json`);
  const before = await readOutcome(path);
  // Of one plan there is one run at a time.
  const [merged] = mergeOutcomes(before === undefined ? [outcome] : [before, outcome]);
  await replace(path, `${JSON.stringify(merged)}\n`);
  await renderAll(runDirectory);
}

/** Looks again afterwards: a run of another plan that ended meanwhile may have been overwritten. */
async function renderAll(runDirectory: string): Promise<void> {
  for (let text = ""; ; ) {
    const now = await renderMetrics(PLAN_METRICS, await readOutcomes(runDirectory));
    if (now === text) return;
    text = now;
    await replace(join(runDirectory, "metrics.prom"), text);
  }
}

async function readOutcome(path: string): Promise<PlanOutcome | undefined> {
  try {
    return planOutcomeSchema.safeParse(JSON.parse(await readFile(path, "utf8"))).data;
  } catch (error) {
    if (error instanceof SyntaxError || isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await using file = await open(temporary, "wx", MODE);
    await file.chmod(MODE); // whatever the umask is
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}
