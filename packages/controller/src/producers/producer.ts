import type { Manifest, StreamKind } from "@penstock/common";

/**
 * A producer knows one dump tool. It is a pure planner: configuration and facts in, a plan out. It
 * opens no connection, file or process; one executor runs every plan.
 */
export interface Producer {
  /** The streams, tools and files of a backup named `set`. Throws `usage` with the place. */
  planBackup(set: string): RunPlan;
  /** The mirror, for the streams of a committed set. Throws `usage` or `not_found`. */
  planRestore(manifest: Manifest): RunPlan;
}

/** Where in the configuration something was said, e.g. `["plans", "nightly", "producer", "hosts", 0]`. */
export type Origin = readonly (string | number)[];

/** What one run does: which streams on which hosts, and which tools make them flow. */
export interface RunPlan {
  readonly streams: readonly PlannedStream[];
  readonly tools: readonly PlannedTool[];
  /** Regular files to collect when the tools have ended well. Empty in a restore. */
  readonly files: readonly FileGlob[];
}

/** One stream. `host` is the name of an agent. */
export interface PlannedStream {
  readonly name: string;
  readonly host: string;
  readonly kind: StreamKind;
  /** Absolute path on the host; "" for stdout and stdin. */
  readonly path: string;
  readonly contentId?: number;
  readonly dbid?: number;
  /** False if a run without it is still whole. */
  readonly required: boolean;
  readonly origin: Origin;
}

/** One process to start. Tools are independent of each other and may run at the same time. */
export interface PlannedTool {
  /** Unique in the plan. */
  readonly id: string;
  readonly host: string;
  /** Name in the agent's allow-list. */
  readonly tool: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /**
   * Names of the streams that this tool writes or reads; all are attached before it starts. One of
   * kind `stdout` or `stdin`, at most, is its own.
   */
  readonly streams: readonly string[];
  readonly stopSignal?: string;
  readonly origin: Origin;
}

/** Regular files on one host, by shell-like pattern (`*`, `?`, `[…]`; no `**`). */
export interface FileGlob {
  readonly host: string;
  readonly glob: string;
  readonly origin: Origin;
}
