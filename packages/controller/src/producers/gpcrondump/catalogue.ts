import { listNames, PenstockError } from "@penstock/common";
import { pythonEnvironmentOf } from "../greenplum-environment.ts";
import type { Evidence, Origin, PlannedTool } from "../producer.ts";
import type { GpcrondumpConfig } from "./config.ts";

/** A database server that serves now. */
export interface Primary {
  /** -1 is the coordinator. */
  readonly contentId: number;
  readonly dbid: number;
  /** As the catalogue names it. */
  readonly host: string;
  /** "" if the catalogue does not say. */
  readonly dataDirectory: string;
}

/** The cluster as it is now. */
export interface ClusterState {
  readonly coordinator: Primary;
  /** By content. */
  readonly segments: readonly Primary[];
  /** When it was asked, by the coordinator's clock. */
  readonly askedAtMs: number;
}

const TOOL_ID = "catalogue";

/** 3052 is pg_system, the file space of data directories, in 4.3 and 5.x. */
const QUERY =
  "SELECT c.content, c.dbid, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, " +
  "c.hostname, coalesce(e.fselocation, '') FROM gp_segment_configuration c " +
  "LEFT JOIN pg_filespace_entry e ON e.fsedbid = c.dbid AND e.fsefsoid = 3052 " +
  "WHERE c.role = 'p' ORDER BY c.content";

/** Asks the coordinator which instances serve now, and where. */
export function catalogueTool(config: GpcrondumpConfig, host: string, origin: Origin): PlannedTool {
  return {
    id: TOOL_ID,
    host,
    tool: "psql",
    args: ["-X", "-A", "-t", "-q", "-F", "|", "-d", "template1", "-c", QUERY],
    env: pythonEnvironmentOf(config),
    streams: [],
    keepStdoutBytes: 1024 * 1024,
    origin: [...origin, "coordinator"],
  };
}

/** Understands the answer. Throws `failed` if it is none, or names no coordinator or no segment. */
export function readCatalogue({ output }: Evidence, host: string): ClusterState {
  const lines = (output[TOOL_ID] ?? "").split("\n").filter((line) => line !== "");
  const rows = lines.map((line) => parseRow(line, host));
  const [coordinator] = rows.filter(({ contentId }) => contentId === -1);
  const segments = rows.filter(({ contentId }) => contentId >= 0);
  if (coordinator === undefined || segments.length === 0) {
    throw new PenstockError(
      "failed",
      `the catalogue on ${host} names no coordinator or no segment`,
    );
  }
  return { coordinator, segments, askedAtMs: coordinator.askedAtMs };
}

/** `content 0 (dbid 2 on sdw1), …` */
export function showPrimaries(primaries: readonly Primary[]): string {
  return listNames(
    primaries.map(({ contentId, dbid, host }) => `content ${contentId} (dbid ${dbid} on ${host})`),
  );
}

interface Row extends Primary {
  readonly askedAtMs: number;
}

function parseRow(line: string, host: string): Row {
  const [, contentId, dbid, askedAtMs, name = "", dataDirectory = ""] =
    /^(-?\d+)\|(\d+)\|(\d+)\|([^|]+)\|(.*)$/.exec(line) ?? [];
  if (name === "") {
    throw new PenstockError("failed", `the catalogue on ${host} answers in no known form: ${line}`);
  }
  return {
    contentId: Number(contentId),
    dbid: Number(dbid),
    host: name,
    dataDirectory,
    askedAtMs: Number(askedAtMs),
  };
}
