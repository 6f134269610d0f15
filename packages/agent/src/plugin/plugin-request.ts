import { isAbsolute } from "node:path";
import { PenstockError } from "@penstock/common";
import { z } from "zod";

/** Raw bytes of a stream: from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Who asks. */
interface Asking {
  readonly plan: string;
  /** The process itself, as messages name it. */
  readonly pid: number;
}

/** Is there a run for this backup or restore? */
export interface SetupRequest extends Asking {
  readonly command: "setup";
  readonly kind: "backup" | "restore";
  /** gpbackup's own name of the backup: 14 digits. */
  readonly timestamp: string;
}

/** Wants to hand over (`backup`) or to get (`restore`) the bytes of a key. */
export interface StreamRequest extends Asking {
  readonly command: "backup" | "restore";
  /** An absolute path, as gpbackup names the data. */
  readonly key: string;
  /** Only these bytes, one range after the other; none for all. */
  readonly ranges: readonly ByteRange[];
}

/** What a plugin process asks for, checked. */
export type PluginRequest = SetupRequest | StreamRequest;

const VERSION = 1;
const LONGEST_KEY = 4_096;

const versionSchema = z.object({ version: z.number() });
const offset = z.int().nonnegative();
const asking = {
  version: z.literal(VERSION),
  plan: z.string().min(1).max(200),
  pid: z.int().positive(),
};
const key = z.string().refine(isKey, { error: ({ input }) => `bad key ${JSON.stringify(input)}` });
const ranges = z.array(z.tuple([offset, offset]));
const requestSchema = z.discriminatedUnion("command", [
  z.strictObject({
    ...asking,
    command: z.literal("setup"),
    kind: z.enum(["backup", "restore"]),
    timestamp: z.string().regex(/^[0-9]{14}$/),
  }),
  z.strictObject({ ...asking, command: z.literal("backup"), key }),
  z.strictObject({ ...asking, command: z.literal("restore"), key, ranges: ranges.prefault([]) }),
]);

/** Reads a request line. Throws `usage` with what is wrong with it. */
export function parsePluginRequest(line: string): PluginRequest {
  const words = readJson(line);
  assertVersion(words);
  const { success, data, error } = requestSchema.safeParse(words);
  if (!success) {
    const [issue] = error.issues;
    throw wrong(`${issue?.path.join(".") || "request"}: ${issue?.message}`);
  }
  if (data.command === "setup") return data;
  return { ...data, ranges: data.command === "restore" ? toRanges(data.ranges) : [] };
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

function toRanges(pairs: readonly (readonly [number, number])[]): ByteRange[] {
  return pairs.map(([start, end]) => {
    if (end < start) throw wrong(`range ${start} to ${end}`);
    return { start, end };
  });
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
