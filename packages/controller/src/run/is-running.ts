import type { IsRunning } from "../catalogue/catalogue.ts";
import type { AgentClient } from "./agent-client.ts";

/** An agent that does not answer soon says nothing. */
const ANSWER_TIMEOUT_MS = 5_000;

/** True only if every one of these agents says that it does not hold the run. */
export async function isGivenUp(
  agents: readonly AgentClient[],
  run: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answers = await askAll(agents, run, signal);
  return answers.every((holds) => holds === false);
}

/** Asks the agents of a set whether its run is still held: one that says so is enough. */
export function isRunningOn(
  connect: (hosts: readonly string[]) => AgentClient[],
  signal: AbortSignal,
): IsRunning {
  return async (set, hosts) => (await askAll(connect(hosts), set, signal)).includes(true);
}

/** For each agent whether it holds the run; `undefined` for one that does not answer. */
async function askAll(
  agents: readonly AgentClient[],
  run: string,
  signal: AbortSignal,
): Promise<(boolean | undefined)[]> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  const answers = await Promise.allSettled(agents.map((agent) => agent.describe(either)));
  signal.throwIfAborted();
  return answers.map((answer) =>
    answer.status === "fulfilled"
      ? answer.value.runs.some((active) => active.run === run)
      : undefined,
  );
}
