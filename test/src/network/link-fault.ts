import type { NetworkStage } from "./network-stage.ts";

/** What can be wrong between a controller and a host. */
export type FaultKind = "unplugged" | "mute" | "deaf" | "resetting" | "standing-still";

/** Something that goes wrong, and right again. */
export interface LinkFault {
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** A fault of a host of the stage; nothing has happened yet. */
export function createFault(
  kind: FaultKind,
  host: string,
  { network, cluster }: NetworkStage,
  signal: AbortSignal,
): LinkFault {
  const heal = (): Promise<void> => network.heal(host, signal);
  const send = (name: NodeJS.Signals) => async (): Promise<void> =>
    cluster.host(host).child.kill(name);
  switch (kind) {
    case "unplugged":
      return {
        begin: () => network.linkDown(host, signal),
        end: () => network.linkUp(host, signal),
      };
    case "mute":
      return { begin: () => network.dropFrom(host, signal), end: heal };
    case "deaf":
      return { begin: () => network.dropTo(host, signal), end: heal };
    case "resetting":
      return { begin: () => network.resetConnections(host, signal), end: heal };
    case "standing-still":
      return { begin: send("SIGSTOP"), end: send("SIGCONT") };
  }
}
