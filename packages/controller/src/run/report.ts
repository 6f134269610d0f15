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
  /** Stored bytes of the plan's last committed set: what this one may come to. */
  | { readonly event: "expected"; readonly bytes: number }
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
