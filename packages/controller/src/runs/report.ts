import type { ToolOutcome } from "@penstock/common";

/** State of one stream in a run. */
export type StreamState =
  | "preparing"
  | "attached"
  | "flowing"
  | "received"
  | "done"
  | "absent"
  | "failed";

/** What a run may come to, in stored bytes: as the plan's last committed set, or what is restored. */
export interface Expected {
  readonly bytes: number;
  /** By the stream's name. */
  readonly streams?: Readonly<Record<string, number>>;
}

/** What an agent has logged about a run. */
export interface AgentLine {
  /** The agent's name. */
  readonly host: string;
  /** Its place among the events of the run there: grows, and tells a line from a copy of it. */
  readonly number: number;
  /** By the agent's clock. */
  readonly atMs: number;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What a run tells while it goes on; with `-o json` each is a line. */
export type RunReport =
  | {
      readonly event: "started";
      readonly run: string;
      /** The set that is made, or restored. */
      readonly set: string;
      readonly plan: string;
      readonly startedAt: string;
    }
  | ({ readonly event: "expected" } & Expected)
  | {
      readonly event: "stream";
      readonly stream: string;
      readonly host: string;
      readonly state: StreamState;
      /** Stored bytes moved so far. */
      readonly bytes: number;
    }
  | { readonly event: "tool"; readonly tool: string; readonly host: string; readonly pid: number }
  | ({ readonly event: "tool-exit"; readonly host: string } & ToolOutcome)
  | {
      readonly event: "reconnect";
      readonly stream: string;
      readonly host: string;
      readonly cause: string;
    }
  | { readonly event: "warning"; readonly message: string };

/** Takes reports; must not throw. */
export type Reporter = (report: RunReport) => void;
