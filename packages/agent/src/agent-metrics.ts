import type { Metric, Sample } from "@penstock/common";
import type { RunCounts } from "./run-counts.ts";
import {
  type Direction,
  type DirectionNumbers,
  STREAM_STATES,
  type StreamNumbers,
} from "./stream-numbers.ts";

/** What an agent tells of itself at one moment. */
export interface AgentState {
  readonly name: string;
  readonly cluster: string;
  readonly version: string;
  /** Runs that are open. */
  readonly runs: number;
  readonly counts: Pick<RunCounts, "ended" | "exits" | "toolsRunning">;
  readonly streams: StreamNumbers;
  /** What the replay buffers of all pipes may hold together. */
  readonly memoryBytes: number;
}

const DIRECTIONS: readonly Direction[] = ["backup", "restore"];

/**
 * All metrics of an agent. None is labelled by run, set or stream: tools are those of its configuration,
 * so that the number of series never grows.
 */
export const AGENT_METRICS: readonly Metric<AgentState>[] = [
  {
    name: "penstock_agent_info",
    type: "gauge",
    help: "Always 1; its labels say what this agent is",
    labels: ["agent", "cluster", "version"],
    read: ({ name, cluster, version }) => [{ value: 1, labels: { agent: name, cluster, version } }],
  },
  {
    name: "penstock_agent_runs",
    type: "gauge",
    help: "Runs that are open on this host",
    labels: [],
    read: ({ runs }) => [{ value: runs }],
  },
  {
    name: "penstock_agent_runs_ended_total",
    type: "counter",
    help: "Runs that have ended: released by their controller, aborted, or given up by their lease",
    labels: ["reason"],
    read: ({ counts }) =>
      Object.entries(counts.ended).map(([reason, value]) => ({ value, labels: { reason } })),
  },
  {
    name: "penstock_agent_streams",
    type: "gauge",
    help: "Streams of open runs: waiting for their tool, flowing, done or failed",
    labels: ["direction", "state"],
    read: ({ streams }) =>
      DIRECTIONS.flatMap((direction) =>
        STREAM_STATES.map((state) => ({
          value: streams[direction][state],
          labels: { direction, state },
        })),
      ),
  },
  {
    name: "penstock_agent_raw_bytes_total",
    type: "counter",
    help: "Bytes that were read from tools and files, or written to them",
    labels: ["direction"],
    read: ({ streams }) => byDirection(streams, "rawBytes"),
  },
  {
    name: "penstock_agent_stored_bytes_total",
    type: "counter",
    help: "The same bytes in the form in which they are stored and cross the network",
    labels: ["direction"],
    read: ({ streams }) => byDirection(streams, "storedBytes"),
  },
  {
    name: "penstock_agent_reconnects_total",
    type: "counter",
    help: "Connections of movers that were lost and came back",
    labels: ["direction"],
    read: ({ streams }) => byDirection(streams, "reconnects"),
  },
  {
    name: "penstock_agent_replay_buffer_bytes",
    type: "gauge",
    help: "Memory held for bytes that no mover has acknowledged yet",
    labels: [],
    read: ({ streams }) => [{ value: streams.backup.heldBytes + streams.restore.heldBytes }],
  },
  {
    name: "penstock_agent_replay_buffer_limit_bytes",
    type: "gauge",
    help: "What the streams that are open now may hold so; full buffers stop the tools",
    labels: [],
    read: ({ streams }) => [{ value: streams.backup.limitBytes + streams.restore.limitBytes }],
  },
  {
    name: "penstock_agent_replay_buffer_budget_bytes",
    type: "gauge",
    help: "What any number of streams may hold so: memory in the configuration",
    labels: [],
    read: ({ memoryBytes }) => [{ value: memoryBytes }],
  },
  {
    name: "penstock_agent_tools_running",
    type: "gauge",
    help: "Tools that were started and have not exited",
    labels: [],
    read: ({ counts }) => [{ value: counts.toolsRunning }],
  },
  {
    name: "penstock_agent_tool_exits_total",
    type: "counter",
    help: "Exits of tools: ok with status 0, error with another one, signal if one ended them",
    labels: ["tool", "result"],
    read: ({ counts }) =>
      counts.exits.map(({ tool, result, count }) => ({ value: count, labels: { tool, result } })),
  },
];

function byDirection(streams: StreamNumbers, field: keyof DirectionNumbers): Sample[] {
  return DIRECTIONS.map((direction) => ({
    value: streams[direction][field],
    labels: { direction },
  }));
}
