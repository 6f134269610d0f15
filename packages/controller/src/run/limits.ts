import { raceAbort } from "@penstock/common";

/** How many tools run at a time. */
export interface ToolLimits {
  readonly perHost: number;
  readonly total: number;
}

/**
 * Runs all tasks, each on its host, never more at a time than the limits allow. The first failure
 * is thrown at once; tasks that have not begun then never do. Those under way end by the signal
 * that their caller aborts.
 */
export async function runLimited<Task extends { readonly host: string }>(
  tasks: readonly Task[],
  limits: ToolLimits,
  action: (task: Task) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...tasks];
  const busy = new Map<string, number>();
  const running = new Set<Promise<void>>();
  const hasRoom = ({ host }: Task): boolean =>
    running.size < limits.total && (busy.get(host) ?? 0) < limits.perHost;

  const start = (task: Task): void => {
    busy.set(task.host, (busy.get(task.host) ?? 0) + 1);
    const done = action(task).finally(() => {
      busy.set(task.host, (busy.get(task.host) ?? 1) - 1);
      running.delete(done);
    });
    running.add(done);
  };

  while (waiting.length > 0 || running.size > 0) {
    for (let next = waiting.findIndex(hasRoom); next !== -1; next = waiting.findIndex(hasRoom)) {
      for (const task of waiting.splice(next, 1)) start(task);
    }
    await raceAbort(Promise.race(running), signal);
  }
}
