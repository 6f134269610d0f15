import type { End } from "@penstock/proto";
import { hasCode, PenstockError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource, Connected } from "./channel-source.ts";
import { type CheckedFrame, checkFrame } from "./frame-codec.ts";
import { giveUp } from "./give-up.ts";
import { expectLife, startHeartbeat } from "./heartbeat.ts";
import { outOfTurn } from "./out-of-turn.ts";

/**
 * The receiving side of one stream: every byte once, in order, checked, whatever the number of
 * connections. Holds no bytes of its own; what gRPC queues is bounded by its windows.
 */
export class Receiver {
  readonly #source: ChannelSource;
  #offset = 0;
  #ackedOffset = 0;
  #channel: Channel | undefined;
  #heartbeat: Disposable | undefined;
  #end: End | undefined;
  #senderWaitsForTool: boolean | undefined;

  constructor(source: ChannelSource) {
    this.#source = source;
  }

  /** Stored bytes received so far. */
  get receivedBytes(): number {
    return this.#offset;
  }

  /**
   * The sender's word that it waits for its tool, or for us; `undefined` if it has sent bytes since,
   * or has said nothing yet.
   */
  get senderWaitsForTool(): boolean | undefined {
    return this.#senderWaitsForTool;
  }

  /** What the sender said last; there once `frames` has ended. */
  get end(): End {
    if (this.#end === undefined) throw new PenstockError("internal", "stream has not ended");
    return this.#end;
  }

  /**
   * The connection is there: the sender could send now. From here on it is kept alive, however long
   * it takes until frames are asked for.
   */
  attach(signal: AbortSignal): Promise<Connected> {
    return this.#attach(this.#offset, signal);
  }

  /**
   * The same for a receiver that takes over from one that is dead. Its place, from which frames will
   * come, is the connection's offset: all bytes before it were acknowledged.
   */
  async adopt(signal: AbortSignal): Promise<Connected> {
    const connected = await this.#attach(undefined, signal);
    this.#offset = connected.offset;
    this.#ackedOffset = connected.offset;
    return connected;
  }

  /** After `adopt`: more is safe than was acknowledged, so that frames are wanted from `offset` on. */
  skipTo(offset: number): void {
    this.#offset = Math.max(this.#offset, offset);
  }

  async #attach(ownOffset: number | undefined, signal: AbortSignal): Promise<Connected> {
    const connected = await this.#source.next(ownOffset, signal);
    this.#heartbeat?.[Symbol.dispose]();
    this.#channel = connected.channel;
    this.#heartbeat = startHeartbeat(connected.channel, this.#source, signal);
    // It may have got lost with the last connection, and a sender that is full waits for it.
    if (this.#ackedOffset > 0) this.#sendAck(signal);
    return connected;
  }

  /** All frames until End. Throws `damaged` on a wrong one, and what the sender says instead of End. */
  async *frames(
    attached: Connected,
    signal: AbortSignal,
  ): AsyncGenerator<CheckedFrame, void, undefined> {
    let connected = attached;
    for (;;) {
      try {
        yield* this.#framesOf(connected, signal);
        return;
      } catch (error) {
        giveUp(connected.channel, error);
        signal.throwIfAborted();
        if (hasCode(error, "damaged")) throw error;
        this.#source.broken(error);
      }
      connected = await this.attach(signal);
    }
  }

  /** Everything below `offset` is safe. Said again on each new connection. */
  acknowledge(offset: number, signal: AbortSignal): void {
    this.#ackedOffset = offset;
    this.#sendAck(signal);
  }

  /** Tells the sender that the stream is whole here, and closes. It may not hear it. */
  async finish(signal: AbortSignal): Promise<void> {
    try {
      await this.#channel?.send({ message: { $case: "finished", value: {} } }, signal);
      this.#channel?.end();
    } catch (error) {
      this.#channel?.cut(); // not even this gets through: nobody else would close it
      throw error;
    } finally {
      this.#heartbeat?.[Symbol.dispose]();
    }
  }

  /**
   * `finish`, on one connection after another, until the sender has heard it: then it ends the
   * connection. For whoever dials; throws when there are no more connections.
   */
  async finishUntilHeard(signal: AbortSignal): Promise<void> {
    for (let again: Connected | undefined; ; again = await this.attach(signal)) {
      try {
        if (again !== undefined) await this.#untilEnd(again, signal);
        await this.finish(signal);
        await this.#untilClosed(signal);
        return;
      } catch (error) {
        this.#channel?.cut();
        signal.throwIfAborted();
        if (hasCode(error, "damaged")) throw error;
        this.#source.broken(error);
      }
    }
  }

  /** Closes without that: `error` is told to the sender where gRPC can. */
  abandon(error: Error): void {
    this.#heartbeat?.[Symbol.dispose]();
    this.#channel?.fail(error);
  }

  /** The sender says its end on each connection; only then it expects our last word. */
  async #untilEnd(connected: Connected, signal: AbortSignal): Promise<void> {
    const frame = await this.#framesOf(connected, signal).next();
    if (!frame.done) throw outOfTurn("frame");
  }

  async #untilClosed(signal: AbortSignal): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined) return;
    while ((await expectLife(channel.next(signal), channel, this.#source.clock)) !== undefined);
  }

  #sendAck(signal: AbortSignal): void {
    const value = { offset: BigInt(this.#ackedOffset) };
    // A break is noticed where frames are read.
    this.#channel?.send({ message: { $case: "ack", value } }, signal).catch(() => {});
  }

  /**
   * Frames of one connection. If it was agreed on while the last one still brought bytes, it begins
   * too early: what is already here is passed over.
   */
  async *#framesOf(
    { channel, offset }: Connected,
    signal: AbortSignal,
  ): AsyncGenerator<CheckedFrame, void, undefined> {
    const overlapEnd = this.#offset;
    for (;;) {
      const message = await expectLife(channel.next(signal), channel, this.#source.clock);
      switch (message?.$case) {
        case "frame": {
          this.#senderWaitsForTool = undefined;
          const end = Number(message.value.offset) + message.value.data.length;
          if (offset < overlapEnd && end > offset && end <= overlapEnd) break;
          const frame = checkFrame(message.value, this.#offset);
          this.#offset += frame.data.length;
          yield frame;
          break;
        }
        case "end":
          this.#end = message.value;
          return;
        case "heartbeat":
          this.#senderWaitsForTool = message.value.waitingForTool;
          break;
        default:
          throw outOfTurn(message?.$case);
      }
    }
  }
}
