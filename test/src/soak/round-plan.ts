/** A moment of a run: so many stored bytes have been seen, or so much time since its start has passed. */
export type Moment = { readonly bytes: number } | { readonly ms: number };

/** What happens to a host or to the way to it; it strikes every run of the round. */
export interface HostFault {
  readonly kind:
    | "connection cut"
    | "network down"
    | "network held"
    | "answers lost"
    | "agent stopped"
    | "agent killed";
  readonly host: string;
  /** Of the round's first run. */
  readonly at: Moment;
  /** How long it lasts; cuts are as far from each other. */
  readonly forMs: number;
  /** How often a connection is cut; 1 for all others. */
  readonly times: number;
}

/** A tool that does not do what it should, on one host, when it has come to a piece of a stream. */
export interface ToolFault {
  readonly kind: "tool exits" | "tool killed" | "tool hangs";
  readonly host: string;
  /** Index of the stream. */
  readonly stream: number;
  /** Before this piece; after the last one if there are no more. */
  readonly piece: number;
}

/** What happens to one run alone. */
export type RunFault =
  | ToolFault
  | { readonly kind: "full disk" | "unwritable target" }
  | {
      readonly kind: "controller killed";
      readonly at: Moment;
      /** When another one takes the run up; undefined if none does. */
      readonly resumeAfterMs: number | undefined;
    }
  | { readonly kind: "interrupted"; readonly at: Moment; readonly signal: "SIGINT" | "SIGTERM" }
  | { readonly kind: "second run"; readonly at: Moment };

/** A part of the pool of bytes, and how it is written: in pieces with pauses between them. */
export interface Content {
  readonly fromByte: number;
  readonly bytes: number;
  readonly pieces: number;
  readonly pauseMs: number;
}

/** One stream of each host. */
export interface StreamPlan {
  /** Without the host's. */
  readonly name: string;
  readonly kind: "fifo" | "stdout";
  /** By host. */
  readonly contents: Readonly<Record<string, Content>>;
}

/** How a plan is configured, beside its tools. */
export interface RunSettings {
  readonly compression: "none" | "gzip" | "zstd";
  readonly leaseMs: number;
  readonly segmentSize: string;
  readonly throttle: string;
}

/** The plans of a soak; each has a target of its own. */
export const PLANS = ["alpha", "beta"] as const;
export type PlanName = (typeof PLANS)[number];

/** One run of a round. */
export interface RunPlan {
  readonly plan: PlanName;
  readonly kind: "backup" | "restore";
  /** What is backed up. A restore takes an earlier set's; if there is none, this is backed up first. */
  readonly streams: readonly StreamPlan[];
  readonly settings: RunSettings;
  readonly fault: RunFault | undefined;
}

/** A command that looks at sets while the runs go on. */
export type Beside = "list" | "show" | "verify" | "cat";

/** Everything that is chosen for a round. */
export interface RoundPlan {
  readonly number: number;
  /** One, or two of different plans at the same time. */
  readonly runs: readonly RunPlan[];
  /** At most one for a host. */
  readonly hostFaults: readonly HostFault[];
  readonly beside: readonly Beside[];
  /** In [0, 1): which of the sets that are there is looked at or restored. */
  readonly choice: number;
}

/** Longer than all faults of a round and what a busy machine adds: a run with it must survive. */
export const AMPLE_LEASE_MS = 20_000;

/** Bytes of all streams, as the tools write them. */
export function bytesOf(streams: readonly StreamPlan[]): number {
  const contents = streams.flatMap((stream) => Object.values(stream.contents));
  return contents.reduce((sum, { bytes }) => sum + bytes, 0);
}
