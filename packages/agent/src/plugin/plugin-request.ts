import { isAbsolute } from "node:path";
import { PenstockError } from "@penstock/common";
import { z } from "zod";

/** Raw bytes of a stream: from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a plugin process asks for, checked. */
export interface PluginRequest {
  readonly plan: string;
  /** `setup`: is there a run? The others move the bytes of `key`. */
  readonly command: "setup" | "backup" | "restore";
  /** The process itself, as messages name it. */
  readonly pid: number;
  /** An absolute path, as gpbackup names the data; "" for `setup`. */
  readonly key: string;
  /** Only these bytes, one range after the other; none for all. */
  readonly ranges: readonly ByteRange[];
}

const VERSION = 1;
const LONGEST_KEY = 4_096;

const versionSchema = z.object({ version: z.number() });
const offset = z.int().nonnegative();
const requestSchema = z.strictObject({
  version: z.literal(VERSION),
  plan: z.string().min(1).max(200),
  command: z.enum(["setup", "backup", "restore"]),
  pid: z.int().positive(),
  key: z.string().prefault(""),
  ranges: z.array(z.tuple([offset, offset])).prefault([]),
});

/** Reads a request line. Throws `usage` with what is wrong with it. */
export function parsePluginRequest(line: string): PluginRequest {
  const words = readJson(line);
  assertVersion(words);
  const { success, data, error } = requestSchema.safeParse(words);
  if (!success) {
    const [issue] = error.issues;
    throw wrong(`${issue?.path.join(".") || "request"}: ${issue?.message}`);
  }
  const { plan, command, pid, key } = data;
  const ranges = data.ranges.map(([start, end]) => ({ start, end }));
  if (command === "setup" ? key !== "" : !isKey(key)) throw wrong(`key ${JSON.stringify(key)}`);
  if (ranges.length > 0 && command !== "restore") throw wrong("ranges are for a restore");
  const backwards = ranges.find(({ start, end }) => end < start);
  if (backwards !== undefined) throw wrong(`range ${backwards.start} to ${backwards.end}`);
  return { plan, command, pid, key, ranges };
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw wrong("not a line of JSON", cause);
  }
}

function assertVersion(words: unknown): void {
  const { success, data } = versionSchema.safeParse(words);
  if (!success || data.version === VERSION) return;
  const message = `the plugin speaks version ${data.version} of this socket's protocol, the agent ${VERSION}`;
  throw new PenstockError("usage", message, { hint: "install the same version of both" });
}

/** Becomes part of names and messages; no file of it is ever opened here. */
function isKey(key: string): boolean {
  const isPrintable = ![...key].some((letter) => letter < " " || letter === "\x7f");
  return (
    isAbsolute(key) && isPrintable && key.length <= LONGEST_KEY && !key.split("/").includes("..")
  );
}

function wrong(what: string, cause?: unknown): PenstockError {
  return new PenstockError("usage", `bad request of a plugin process: ${what}`, { cause });
}
