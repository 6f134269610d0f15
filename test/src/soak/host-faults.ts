import { setTimeout as delay } from "node:timers/promises";
import { descendantsOf } from "../harness/processes.ts";
import type { Ground } from "./ground.ts";
import type { HostFault } from "./round-plan.ts";

/** Makes a fault happen and, after its time, end. A killed agent is started again. */
export async function strike(fault: HostFault, ground: Ground, signal: AbortSignal): Promise<void> {
  const { host, forMs } = fault;
  const agent = ground.cluster.host(host);
  const wire = ground.wire(host);
  const last = async (): Promise<void> => await delay(forMs, undefined, { signal });
  switch (fault.kind) {
    case "connection cut":
      for (let times = 0; times < fault.times; times++) {
        wire.cut();
        await last();
      }
      return;
    case "network down":
      wire.takeDown();
      await last();
      return wire.bringUp();
    case "network held":
      wire.hold();
      await last();
      return wire.release();
    case "answers lost":
      wire.loseAnswers();
      await last();
      return wire.cut();
    case "agent stopped":
      agent.child.kill("SIGSTOP");
      await last();
      return agent.child.kill("SIGCONT");
    case "agent killed":
      ground.orphans.push(...(await descendantsOf(agent.child.pid)));
      agent.child.kill("SIGKILL");
      await agent.child.exited;
      await last();
      return await agent.start(signal);
  }
}

/** Makes every way and every agent whole again. One line for each agent that cannot be. */
export async function heal(ground: Ground, signal: AbortSignal): Promise<string[]> {
  const problems: string[] = [];
  for (const host of ground.cluster.hosts) {
    const wire = ground.wire(host.name);
    wire.bringUp();
    wire.release();
    host.child.kill("SIGCONT");
    if (host.child.isRunning) continue;
    const { status, signal: by, stderr } = await host.child.outcome;
    problems.push(`agent ${host.name} has ended with ${status ?? by}: ${stderr.trim()}`);
    await host.start(signal);
  }
  return problems;
}
