import type { Tally, ToolExited } from "@penstock/proto";
import type { ByteStream } from "../byte-stream.ts";
import type { Clock } from "../clock.ts";
import { PenstockError } from "../errors.ts";
import { CHUNK_BYTES, hasHeadroom } from "./block.ts";
import { BlockFiller } from "./block-filler.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource, Connected } from "./channel-source.ts";
import { encodeFrame } from "./frame-codec.ts";
import { giveUp } from "./give-up.ts";
import { expectLife, startHeartbeat } from "./heartbeat.ts";
import { outOfTurn } from "./out-of-turn.ts";
import { ReplayBuffer } from "./replay-buffer.ts";

/** What is said after the last frame. */
export interface StreamEnd {
  readonly tally: Tally;
  readonly tool?: ToolExited;
}

/**
 * The sending side of one stream: keeps what is not acknowledged, and sends it again on another
 * connection when one breaks. Memory: the limit of its replay buffer.
 */
export class Sender {
  readonly #buffer: ReplayBuffer;
  #sentOffset = 0;
  /** One past what was sent, on the connection that is there now: nothing beyond can be acknowledged. */
  #pumpedOffset = 0;
  #end: StreamEnd | undefined;
  /** On the connection that is there now. */
  #saidEnd = false;
  #receiverWaitsForTool: boolean | undefined;

  constructor(limitBytes: () => number) {
    this.#buffer = new ReplayBuffer(limitBytes);
  }

  /** Stored bytes that the receiver has acknowledged. */
  get ackedBytes(): number {
    return this.#buffer.ackedOffset;
  }

  /** Stored bytes that it was filled with so far. */
  get filledBytes(): number {
    return this.#buffer.endOffset;
  }

  /** Memory held for bytes that are not acknowledged. */
  get heldBytes(): number {
    return this.#buffer.heldBytes;
  }

  /**
   * The receiver's word that it waits for its tool, or for us; `undefined` if it has acknowledged
   * bytes since, or has said nothing yet.
   */
  get receiverWaitsForTool(): boolean | undefined {
    return this.#receiverWaitsForTool;
  }

  /** Takes all bytes of the stored sequence, as fast as the receiver acknowledges them. */
  async fill(source: ByteStream, signal: AbortSignal): Promise<void> {
    using copies = new BlockFiller();
    for await (const chunk of source) {
      for (const piece of payloads(chunk, copies)) {
        await this.#buffer.push(encodeFrame(this.#sentOffset, piece), signal);
        this.#sentOffset += piece.length;
      }
    }
  }

  /** After `fill`: what to say last. */
  end(end: StreamEnd): void {
    this.#end = end;
    this.#buffer.end();
  }

  /** Instead of `end`: the receiver is told this error, now or when it comes back. */
  fail(error: Error): void {
    this.#buffer.fail(error);
  }

  /** Sends over one connection after another, until the receiver has said that it has it all. */
  async run(source: ChannelSource, signal: AbortSignal): Promise<void> {
    for (;;) {
      const connected = await source.next(undefined, signal);
      try {
        await this.#serve(connected, source, signal);
        connected.channel.end();
        return;
      } catch (error) {
        const { failure } = this.#buffer;
        if (failure !== undefined && error === failure) {
          connected.channel.fail(failure);
          throw failure;
        }
        giveUp(connected.channel, error);
        signal.throwIfAborted();
        source.broken(error);
      }
    }
  }

  async #serve(
    { channel, offset }: Connected,
    source: ChannelSource,
    signal: AbortSignal,
  ): Promise<void> {
    this.#saidEnd = false;
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    using _heartbeat = startHeartbeat(channel, source, either);
    const finished = this.#listen(channel, source.clock, either);
    const sent = this.#pump(channel, offset, either);
    try {
      await Promise.race([finished, sent.then(() => finished)]);
    } finally {
      done.abort();
      await Promise.allSettled([finished, sent]);
    }
  }

  async #pump(channel: Channel, begin: number, signal: AbortSignal): Promise<void> {
    this.#pumpedOffset = begin;
    for (;;) {
      const replay = await this.#buffer.next(this.#pumpedOffset, signal);
      if ("end" in replay) break;
      this.#pumpedOffset += replay.frame.data.length;
      await channel.send(replay.frame, signal);
    }
    if (this.#end === undefined)
      throw new PenstockError("internal", "stream ended without a tally");
    this.#saidEnd = true;
    await channel.send(
      { message: { $case: "end", value: { tool: undefined, ...this.#end } } },
      signal,
    );
  }

  /** What is not yet sent must stay what it is. */
  #acknowledge(offset: number): void {
    if (offset > this.#pumpedOffset) {
      throw new PenstockError("damaged", `byte ${offset} was acknowledged, and not sent`);
    }
    this.#buffer.acknowledge(offset);
  }

  /** Acknowledgements until Finished. */
  async #listen(channel: Channel, clock: Clock, signal: AbortSignal): Promise<void> {
    for (;;) {
      const message = await expectLife(channel.next(signal), channel, clock);
      switch (message?.$case) {
        case "ack":
          this.#receiverWaitsForTool = undefined;
          this.#acknowledge(Number(message.value.offset));
          break;
        case "finished":
          if (this.#saidEnd) return;
          throw outOfTurn(message.$case);
        case "heartbeat":
          this.#receiverWaitsForTool = message.value.waitingForTool;
          break;
        default:
          throw outOfTurn(message?.$case);
      }
    }
  }
}

/** Payloads of frames, with headroom: the chunk itself if it has, or copies of its parts. */
function* payloads(chunk: Uint8Array, copies: BlockFiller): Generator<Uint8Array, void, undefined> {
  if (hasHeadroom(chunk)) {
    yield chunk;
    return;
  }
  for (let begin = 0; begin < chunk.length; begin += CHUNK_BYTES) {
    yield copies.copy(chunk.subarray(begin, begin + CHUNK_BYTES));
  }
}
