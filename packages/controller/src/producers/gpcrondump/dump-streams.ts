import type { Origin, PlannedStream } from "../producer.ts";
import type { AgentNames } from "./agent-names.ts";
import type { ClusterState } from "./catalogue.ts";
import type { DumpLists, ListedFile } from "./file-lists.ts";

/** A pipe of the lists, on the agent that has it. */
export interface DumpPipe {
  readonly listed: ListedFile;
  readonly agent: string;
  /** Absent for a segment of 4.3, unless the catalogue is known. */
  readonly contentId?: number;
}

/** What the streams of a dump are made from. */
export interface DumpBasis {
  readonly lists: DumpLists;
  readonly agents: AgentNames;
  readonly database: string;
  readonly origin: Origin;
  /** Absent if nobody has asked for it. */
  readonly cluster?: ClusterState;
  /** Whether the pipes may be there already, and then stay. */
  readonly mayExist: boolean;
}

/** Where each listed pipe is. Throws `usage` for a host without an agent. */
export function locatePipes({ lists, agents, cluster }: DumpBasis): DumpPipe[] {
  return lists.pipes.map((listed) => {
    const agent = agents.agentOf(listed.host, "the pipe list");
    const instance = cluster?.segments.find(({ dbid }) => dbid === listed.dbid);
    const contentId = listed.contentId ?? (listed.kind === "masterConfig" ? -1 : undefined);
    const known = contentId ?? instance?.contentId;
    return { listed, agent, ...(known !== undefined && { contentId: known }) };
  });
}

/**
 * The stream of a pipe. Bytes that are gzip already are not compressed again, and are checked to their
 * last one: a dump agent that died leaves gzip to end well. Statistics are opened and closed for each
 * row, so that an end-of-file means nothing there.
 */
export function toDumpStream(
  { listed, agent, contentId }: DumpPipe,
  { database, mayExist, origin }: DumpBasis,
): PlannedStream {
  const { kind, name, path, dbid, isGzip } = listed;
  const format = formatOf(listed);
  const whileItWaits = dangerOf(listed, database);
  return {
    name,
    host: agent,
    kind: "fifo",
    path,
    ...(contentId !== undefined && { contentId }),
    ...(dbid !== undefined && { dbid }),
    required: true,
    ...(isGzip && { codec: "none" as const }),
    ...(format !== undefined && { format }),
    ...(kind === "statistics" && { heldOpen: true }),
    ...(mayExist && { mayExist }),
    ...(whileItWaits !== undefined && { whileItWaits }),
    origin,
  };
}

function formatOf({ kind, isGzip }: ListedFile): string | undefined {
  if (kind === "segment" || kind === "metadata" || kind === "postData") {
    return isGzip ? "gpdump.gz" : "gpdump";
  }
  return kind === "masterConfig" || kind === "segmentConfig" ? "tar" : undefined;
}

/** gpcrondump gives pg_class back only when metadata and post-data were read to their ends. */
function dangerOf({ kind }: ListedFile, database: string): string | undefined {
  if (kind === "metadata" || kind === "postData") {
    return `an EXCLUSIVE lock on pg_class: CREATE, ALTER, DROP, TRUNCATE, ANALYZE and VACUUM wait in database ${database}`;
  }
  if (kind !== "segment") return undefined;
  return `locks on the dumped tables of database ${database}: ALTER, DROP and TRUNCATE of them wait`;
}
