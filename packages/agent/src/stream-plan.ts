import { isDeepStrictEqual } from "node:util";
import {
  type CodecName,
  type ErrorCode,
  FORMAT_NAMES,
  type FormatName,
  isFormatName,
  PenstockError,
  toPenstockError,
} from "@penstock/common";
import { Codec, Direction, StreamKind, type StreamSpec } from "@penstock/proto";
import { assertFree, isFifoThere } from "./make-places.ts";
import { assertWithinRoots } from "./paths.ts";

/** A stream as the controller wants it, checked. */
export interface StreamPlan {
  readonly name: string;
  readonly kind: "fifo" | "file" | "stdout" | "stdin" | "plugin";
  /** The real path; "" for what has none. */
  readonly path: string;
  readonly direction: "backup" | "restore";
  readonly codec: CodecName;
  readonly mode: number;
  /** A file that is read only when its tool has ended. */
  readonly afterTool: boolean;
  /** Backup: what the raw bytes must be; `undefined` is anything. */
  readonly format: FormatName | undefined;
  /** Backup of a pipe: it does not end with its writer. */
  readonly isHeldOpen: boolean;
  /** A pipe that is there already is used. */
  readonly mayExist: boolean;
  /** Kind plugin: the number of the request that it serves; else 0. */
  readonly pluginRequest: number;
  /** Kind plugin: see agent.proto. */
  readonly answerLater: boolean;
}

const KINDS: Readonly<Partial<Record<StreamKind, StreamPlan["kind"]>>> = {
  [StreamKind.STREAM_KIND_FIFO]: "fifo",
  [StreamKind.STREAM_KIND_FILE]: "file",
  [StreamKind.STREAM_KIND_STDOUT]: "stdout",
  [StreamKind.STREAM_KIND_STDIN]: "stdin",
  [StreamKind.STREAM_KIND_PLUGIN]: "plugin",
};
const CODECS: Readonly<Partial<Record<Codec, CodecName>>> = {
  [Codec.CODEC_NONE]: "none",
  [Codec.CODEC_GZIP]: "gzip",
  [Codec.CODEC_ZSTD]: "zstd",
};
const DIRECTIONS: Readonly<Partial<Record<Direction, StreamPlan["direction"]>>> = {
  [Direction.DIRECTION_BACKUP]: "backup",
  [Direction.DIRECTION_RESTORE]: "restore",
};
const DEFAULT_MODE = 0o600;

/**
 * Checks streams that a run wants to add to those it has, and makes nothing. Returns the new ones:
 * one that is `known` with an equal specification is passed over. An error names the entry of the
 * request. Throws `usage` for what can never be, `failed` for what is in the way.
 */
export async function planStreams(
  specs: readonly StreamSpec[],
  known: ReadonlyMap<string, StreamSpec>,
  roots: readonly string[],
): Promise<StreamPlan[]> {
  const names = new Set<string>();
  const paths = new Set<string>();
  const plans: StreamPlan[] = [];
  for (const [index, spec] of specs.entries()) {
    const { name } = spec;
    if (names.has(name)) throw wrong(index, "name", `stream ${name} is there twice`);
    names.add(name);
    if (isKnown(known, spec, index)) continue;
    const plan = await planStream(spec, index, roots);
    if (paths.has(plan.path)) throw wrong(index, "path", `path ${plan.path} is there twice`);
    if (plan.path !== "") paths.add(plan.path);
    plans.push(plan);
  }
  return plans;
}

/** Throws `usage` for a stream that ends by itself. */
export function assertHeldOpen({ name, isHeldOpen }: StreamPlan): void {
  if (isHeldOpen) return;
  throw new PenstockError("usage", `stream ${name} is not held open: it ends by itself`);
}

function isKnown(known: ReadonlyMap<string, StreamSpec>, spec: StreamSpec, index: number): boolean {
  const earlier = known.get(spec.name);
  if (earlier === undefined || isDeepStrictEqual(earlier, spec)) return earlier !== undefined;
  throw wrong(index, "name", `stream ${spec.name} is there already, and is another one`);
}

async function planStream(
  spec: StreamSpec,
  index: number,
  roots: readonly string[],
): Promise<StreamPlan> {
  const kind = KINDS[spec.kind];
  const codec = CODECS[spec.codec];
  const direction = DIRECTIONS[spec.direction];
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(spec.name))
    throw wrong(index, "name", `bad name ${spec.name}`);
  if (kind === undefined) throw wrong(index, "kind", `unknown kind ${spec.kind}`);
  if (codec === undefined) throw wrong(index, "codec", `unknown codec ${spec.codec}`);
  if (direction === undefined) throw wrong(index, "direction", "unknown direction");
  const mode = spec.mode === 0 ? DEFAULT_MODE : spec.mode & 0o777;
  const pipe = checkPipe(spec, kind, direction, index);
  const settings = { ...pipe, ...checkPlugin(spec, kind, index), codec, mode };
  const format = checkFormat(spec, direction, index);
  const path = await checkPath(spec, kind, direction, index, roots);
  return { name: spec.name, kind, path, direction, format, afterTool: spec.afterTool, ...settings };
}

function checkPipe(
  { name, heldOpen: isHeldOpen, mayExist }: StreamSpec,
  kind: StreamPlan["kind"],
  direction: StreamPlan["direction"],
  index: number,
): Pick<StreamPlan, "isHeldOpen" | "mayExist"> {
  if (isHeldOpen && (kind !== "fifo" || direction !== "backup")) {
    throw wrong(index, "heldOpen", `stream ${name} is no pipe of a backup that could be held open`);
  }
  if (mayExist && kind !== "fifo") {
    throw wrong(index, "mayExist", `stream ${name} is no pipe that could be there already`);
  }
  return { isHeldOpen, mayExist };
}

function checkPlugin(
  { name, pluginRequest, answerLater }: StreamSpec,
  kind: StreamPlan["kind"],
  index: number,
): Pick<StreamPlan, "pluginRequest" | "answerLater"> {
  if ((kind === "plugin") === (pluginRequest === 0n)) {
    const message = `stream ${name} of kind ${kind} and request ${pluginRequest} of a plugin process`;
    throw wrong(index, "pluginRequest", message);
  }
  if (answerLater && kind !== "plugin") {
    throw wrong(index, "answerLater", `stream ${name} of kind ${kind} answers nobody`);
  }
  return { pluginRequest: Number(pluginRequest), answerLater };
}

function checkFormat(
  { name, format }: StreamSpec,
  direction: StreamPlan["direction"],
  index: number,
): FormatName | undefined {
  if (format === "") return undefined;
  if (direction === "restore") {
    throw wrong(index, "format", `stream ${name} of a restore cannot be checked for a format`);
  }
  if (isFormatName(format)) return format;
  const hint = `formats are: ${FORMAT_NAMES.join(", ")}`;
  throw wrong(index, "format", `unknown format ${format}`, "usage", hint);
}

/** Returns the real path, or "" for a stream without one. */
async function checkPath(
  { path, name, mayExist }: StreamSpec,
  kind: StreamPlan["kind"],
  direction: StreamPlan["direction"],
  index: number,
  roots: readonly string[],
): Promise<string> {
  if (kind === "stdout" || kind === "stdin" || kind === "plugin") {
    if (path !== "") throw wrong(index, "path", `stream ${name} of kind ${kind} has a path`);
    if (kind === "plugin") return "";
    if ((kind === "stdout") === (direction === "backup")) return "";
    throw wrong(index, "kind", `kind ${kind} cannot be used in a ${direction}`);
  }
  try {
    const real = await assertWithinRoots(path, roots);
    if (kind === "fifo") await (mayExist ? isFifoThere(real) : assertFree(real));
    return real;
  } catch (error) {
    const { code, message, hint } = toPenstockError(error, `path ${path}`);
    throw wrong(index, "path", message, code, hint);
  }
}

function wrong(
  index: number,
  field: string,
  message: string,
  code: ErrorCode = "usage",
  hint?: string,
): PenstockError {
  const place = { list: "streams", index, field };
  return new PenstockError(code, message, { place, ...(hint === undefined ? {} : { hint }) });
}
