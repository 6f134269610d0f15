import { isGivenUp } from "../run/is-running.ts";
import { settleDead } from "../run/settle-dead.ts";
import { type DeadRun, findDeadRuns } from "../runs/find-dead.ts";
import { Journal } from "../runs/journal.ts";
import type { Loaded } from "./loaded.ts";

/** An agent's lease ends this much later than it should, at most. */
const SPARE_MS = 10_000;

/**
 * Notes the end of backups whose controller on this host was killed, once their agents have given
 * them up: from then on what they had finished can be read. Changes nothing else, and never throws:
 * whatever is in the way, the set counts as failed all the same.
 */
export async function settleDeadRuns(loaded: Loaded, signal: AbortSignal): Promise<void> {
  const { runDirectory, cluster } = loaded.config;
  try {
    for await (const run of findDeadRuns(runDirectory, cluster)) {
      await settleUnlessHeld(loaded, run, signal);
    }
  } catch {
    signal.throwIfAborted();
  }
}

async function settleUnlessHeld(
  loaded: Loaded,
  { folder, journal }: DeadRun,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, agents, targets: known } = loaded.config;
  const { head, aliveMs } = journal;
  const { set, hosts, targets: names, leaseMs } = head;
  const isOver = Date.now() > aliveMs + leaseMs + SPARE_MS;
  const clients = loaded.agents(hosts.filter((host) => Object.hasOwn(agents, host)));
  const hasAll = clients.length === hosts.length;
  if (!isOver && !(hasAll && (await isGivenUp(clients, set, signal)))) return; // it can be resumed
  const targets = await loaded.targets(
    names.filter((name) => Object.hasOwn(known, name)),
    signal,
  );
  const reason = "its controller was killed, and nobody went on with it in time";
  if (!(await settleDead({ cluster, targets }, journal, reason))) return;
  await using file = await Journal.reopen(folder, () => {});
  await file.remove();
}
