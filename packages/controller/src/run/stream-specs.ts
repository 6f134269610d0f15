import type { CodecName, StreamKind } from "@penstock/common";
import {
  Codec,
  type Direction,
  type StreamSpec,
  type StreamKind as WireKind,
  StreamKind as WireKinds,
} from "@penstock/proto";
import type { PlannedStream } from "../producers/producer.ts";

const KINDS: Readonly<Record<StreamKind, WireKind>> = {
  fifo: WireKinds.STREAM_KIND_FIFO,
  file: WireKinds.STREAM_KIND_FILE,
  stdout: WireKinds.STREAM_KIND_STDOUT,
  stdin: WireKinds.STREAM_KIND_STDIN,
  plugin: WireKinds.STREAM_KIND_PLUGIN,
};

const CODECS: Readonly<Record<CodecName, Codec>> = {
  none: Codec.CODEC_NONE,
  gzip: Codec.CODEC_GZIP,
  zstd: Codec.CODEC_ZSTD,
};

/** A planned stream as the agent is told of it; `afterTool` means a file that is still to be written. */
export function toStreamSpec(
  planned: PlannedStream,
  direction: Direction,
  codec: CodecName,
  afterTool = false,
): StreamSpec {
  const { name, kind, path, heldOpen = false, format = "", mayExist = false } = planned;
  const what = { name, kind: KINDS[kind], path, direction, codec: CODECS[codec], mode: 0 };
  const inBackup = { heldOpen, format, mayExist, afterTool };
  return { ...what, ...inBackup, pluginRequest: 0n, answerLater: false };
}

/** How a plugin process's stream is to be moved. */
export interface PluginMove {
  readonly direction: Direction;
  readonly codec: CodecName;
  /** The request that it answers. */
  readonly id: bigint;
  readonly answerLater: boolean;
}

/** The stream of a plugin process as its agent is told of it: it has no path there. */
export function toPluginSpec(
  planned: PlannedStream,
  { direction, codec, id, answerLater }: PluginMove,
): StreamSpec {
  const spec = toStreamSpec({ ...planned, path: "" }, direction, codec);
  return { ...spec, pluginRequest: id, answerLater };
}
