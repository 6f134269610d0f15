import { findDeadRuns } from "../runs/find-dead.ts";
import { countHidden } from "../runs/run-folder.ts";
import type { Loaded } from "./loaded.ts";

/** What `status` says beside the runs that answer: those that can still be resumed, and those it cannot see. */
export async function deadRunLines({ config }: Loaded): Promise<string[]> {
  const { runDirectory, cluster } = config;
  const lines: string[] = [];
  for await (const { journal } of findDeadRuns(runDirectory, cluster)) {
    const { head, aliveMs } = journal;
    const seconds = Math.floor((aliveMs + head.leaseMs - Date.now()) / 1000);
    if (seconds <= 0) continue;
    const how = `go on within ${seconds} s: penstock backup --resume ${head.set}`;
    lines.push(`backup ${head.set} of plan ${head.plan}: its controller was killed; ${how}`);
  }
  const hidden = await countHidden(runDirectory, cluster);
  if (hidden > 0) lines.push(`${hidden} runs of other users, which only they can look at`);
  return lines;
}
