import type { TellRates } from "./pace-stream.ts";
import type { Session } from "./session.ts";

/** Tells a backup's senders, which are the agents. */
export function tellAgents(session: Session): TellRates {
  return async (host, rates) => {
    const streams = rates.map(({ name, rate }) => ({ name, bytesPerSecond: BigInt(rate ?? 0) }));
    await session.held(host).agent.setPace({ ref: session.ref, streams }, session.signal);
  };
}
