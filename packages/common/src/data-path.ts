/**
 * The way of a byte, top-down: backup first, restore as its mirror below. The agent and the mover
 * only supply the two ends.
 */
import type { Tally } from "@penstock/proto";
import { type ByteStream, flow, type Stage } from "./byte-stream.ts";
import { checking } from "./formats/checking.ts";
import type { FormatCheck } from "./formats/format-check.ts";
import type { CodecName } from "./manifest.ts";
import { compress, decompress } from "./stages/codec.ts";
import { createDigest, type Digest, hashing } from "./stages/digest.ts";
import { type Pace, pacing } from "./stages/pace.ts";
import { assertRaw, assertStored, toTally } from "./tally.ts";
import type { Connected } from "./transfer/channel-source.ts";
import type { CheckedFrame } from "./transfer/frame-codec.ts";
import type { Receiver } from "./transfer/receiver.ts";
import type { Sender } from "./transfer/sender.ts";

/** Where checked frames go. */
export interface FrameSink {
  /** Of all bytes written so far. */
  readonly digest: Digest;
  /** Hashes and takes the next frame; resolves when it will take another. */
  write(frame: CheckedFrame, signal: AbortSignal): Promise<void>;
}

/** How a stream is sent, and where to. */
export interface SendingEnd {
  /** How fast stored bytes may go: the tool, or the target that is read, feels it directly. */
  readonly pace: Pace;
  readonly sender: Sender;
}

/** What is done to raw bytes before they are sent. */
export interface SendingForm {
  readonly codec: CodecName;
  /** What they must be; `undefined` is anything. */
  readonly check: FormatCheck | undefined;
}

/** Where raw bytes go. */
export interface ByteSink {
  /** Takes the next bytes; resolves when they have left our hands. */
  write(chunk: Uint8Array): Promise<void>;
}

/**
 * Backup, on the database host: what leaves the tool becomes frames, kept until acknowledged. Throws
 * `damaged` if it is not of its format, so that such a stream has no end.
 */
export async function sendBackup(
  source: ByteStream,
  { codec, check }: SendingForm,
  { pace, sender }: SendingEnd,
  signal: AbortSignal,
): Promise<Tally> {
  const raw = createDigest();
  const { stored, stages } = storing(codec, raw);
  const checked = check === undefined ? [] : [checking(check)];
  const way = [...checked, hashing(raw), ...stages, pacing(pace)];
  await sender.fill(flow(signal, source, ...way), signal);
  return toTally(raw, stored);
}

/** Backup, at the mover: frames, each checked, go to the target; the whole must agree at the end. */
export async function receiveBackup(
  receiver: Receiver,
  attached: Connected,
  sink: FrameSink,
  signal: AbortSignal,
): Promise<Tally> {
  for await (const frame of receiver.frames(attached, signal)) await sink.write(frame, signal);
  const tally = receiver.end.tally;
  if (tally === undefined) throw new Error("the end of the stream came without its tally");
  assertStored(sink.digest, tally);
  return tally;
}

/** Restore, at the mover: checked parts of the stored object become frames again. */
export async function sendRestore(
  source: ByteStream,
  { pace, sender }: SendingEnd,
  signal: AbortSignal,
): Promise<void> {
  await sender.fill(flow(signal, source, pacing(pace)), signal);
}

/**
 * Restore, on the database host: frames become what the tool once wrote. Returns only if every byte
 * and both digests are as promised; the caller must not let the consumer see an end otherwise.
 */
export async function receiveRestore(
  receiver: Receiver,
  attached: Connected,
  codec: CodecName,
  sink: ByteSink,
  signal: AbortSignal,
): Promise<Tally> {
  const raw = createDigest();
  const { stored, stages } = restoring(codec, raw);
  const source = acknowledged(receiver, attached, signal);
  for await (const chunk of flow(signal, source, ...stages, hashing(raw))) await sink.write(chunk);
  const promised = receiver.end.tally;
  if (promised === undefined) throw new Error("the end of the stream came without its tally");
  assertStored(stored, promised);
  assertRaw(raw, promised);
  return promised;
}

/** With a codec the stored bytes are others than the raw ones; without, one digest serves both. */
function storing(codec: CodecName, raw: Digest): { stored: Digest; stages: Stage[] } {
  const stages = compress(codec);
  if (stages.length === 0) return { stored: raw, stages };
  const stored = createDigest();
  return { stored, stages: [...stages, hashing(stored)] };
}

function restoring(codec: CodecName, raw: Digest): { stored: Digest; stages: Stage[] } {
  const stages = decompress(codec);
  if (stages.length === 0) return { stored: raw, stages };
  const stored = createDigest();
  return { stored, stages: [hashing(stored), ...stages] };
}

/** The bytes of the frames; each is acknowledged when the next is asked for, so it was taken. */
async function* acknowledged(
  receiver: Receiver,
  attached: Connected,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frame of receiver.frames(attached, signal)) {
    yield frame.data;
    receiver.acknowledge(frame.offset + frame.data.length, signal);
  }
}
