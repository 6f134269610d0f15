import { basename } from "node:path";
import { PenstockError } from "@penstock/common";
import type { FoundFile } from "@penstock/proto";
import type { FileGlob, Origin, PlannedStream } from "../producers/producer.ts";
import type { AgentClient } from "./agent-client.ts";
import type { ExplainOrigin } from "./prepare.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";

/**
 * The regular files that the globs name now, as streams `HOST.FILE`. Throws `usage`, with the place,
 * for a glob that its agent does not allow.
 */
export async function planFiles(
  session: Session,
  globs: readonly FileGlob[],
  explain: ExplainOrigin,
): Promise<PlannedStream[]> {
  const found = await together(globs, (glob) => findFiles(session, glob, explain));
  const files = new Map(found.flat().map((file) => [`${file.host}:${file.path}`, file]));
  const short = countNames([...files.values()].map(shortName));
  return [...files.values()].map((file) => ({
    // Two files of one name on a host are told apart by their folders.
    name: short.get(shortName(file)) === 1 ? shortName(file) : longName(file),
    host: file.host,
    kind: "file",
    path: file.path,
    required: true,
    origin: file.origin,
  }));
}

interface Found {
  readonly host: string;
  readonly path: string;
  readonly origin: Origin;
}

async function findFiles(
  session: Session,
  { host, glob, origin }: FileGlob,
  explain: ExplainOrigin,
): Promise<Found[]> {
  try {
    const { ref, signal } = session;
    const find = (agent: AgentClient): Promise<FoundFile[]> => agent.findFiles(ref, [glob], signal);
    const files = await session.held(host).call(find, signal);
    return files.map(({ path }) => ({ host, path, origin }));
  } catch (error) {
    throw error instanceof PenstockError ? explain(origin, error) : error;
  }
}

function shortName({ host, path }: Found): string {
  return safe(`${host}.${basename(path)}`);
}

function longName({ host, path }: Found): string {
  return safe(`${host}${path.replaceAll("/", ".")}`);
}

/** What a stream's name may be made of. */
function safe(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "_");
}

function countNames(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
