import type { ClientDuplexStream, ServerDuplexStream } from "@grpc/grpc-js";
import type { TransferMessage } from "@penstock/proto";
import { raceAbort } from "../byte-stream.ts";
import { PenstockError } from "../errors.ts";
import { noteUsedUp } from "../external-memory.ts";
import { toGrpcError } from "../grpc/status.ts";
import { keep } from "./block.ts";
import type { EncodedFrame } from "./frame-codec.ts";

/** What a side may send. */
export type Outgoing = EncodedFrame | TransferMessage;

/** The message inside a TransferMessage. */
export type TransferBody = NonNullable<TransferMessage["message"]>;

/** A gRPC call of Transfer, seen from the client. */
export type ClientCall = ClientDuplexStream<Outgoing, TransferMessage>;

/** A gRPC call of Transfer, seen from the server. */
export type ServerCall = ServerDuplexStream<TransferMessage, Outgoing>;

/** One connection of a transfer: messages in, messages out, back-pressure both ways. */
export interface Channel {
  /** Queues a message; resolves when the connection will take another. Throws when it is broken. */
  send(message: Outgoing, signal: AbortSignal): Promise<void>;
  /**
   * The next message; `undefined` when the other side ended without an error. Throws when the
   * connection breaks, was cut, or the other side ends it with an error. One call at a time.
   */
  next(signal: AbortSignal): Promise<TransferBody | undefined>;
  /** Ends our side after what was queued. */
  end(): void;
  /** Cuts the connection. The other side sees a break, not an end. */
  cut(): void;
  /** Ends the connection with an error that the other side can read, where gRPC can: a server's. */
  fail(error: Error): void;
}

/** A call made by us as a channel. */
export function createClientChannel(call: ClientCall): Channel {
  const cut = (): void => call.cancel();
  return createChannel(call, cut, cut);
}

/**
 * A call made to us as a channel. gRPC's server cannot reset a call, so that a cut is an error too:
 * one that means a break. Only a peer that takes nothing any more is not told.
 */
export function createServerChannel(call: ServerCall): Channel {
  const fail = (error: Error): void => afterWrites(call, () => endWith(call, error));
  const cut = (): void => {
    if (call.writableLength > 0) call.destroy();
    else endWith(call, new PenstockError("unreachable", "the connection was cut"));
  };
  return createChannel(call, cut, fail);
}

function endWith(call: ServerCall, error: Error): void {
  if (!call.writableEnded && !call.destroyed) call.emit("error", toGrpcError(error));
}

/** An error ends the reader, which destroys the call, and with it what is still queued. */
function afterWrites(call: ServerCall, action: () => void): void {
  if (call.writableLength === 0 || call.writableEnded) action();
  else call.write({ message: { $case: "heartbeat", value: { waitingForTool: false } } }, action);
}

function createChannel(
  call: ClientCall | ServerCall,
  cut: () => void,
  fail: (error: Error) => void,
): Channel {
  call.on("error", () => {}); // the iterator below reports it; alone it would end the process
  const messages: AsyncIterator<TransferMessage> = call.iterator({ destroyOnReturn: false });
  let isCut = false;
  let draining: Promise<void> | undefined; // one for all: acknowledgements do not wait for each other
  return {
    async send(message, signal) {
      if (call.destroyed || call.writableEnded) throw new Error("the connection is closed");
      if (write(call, message)) return;
      draining ??= drained(call).finally(() => {
        draining = undefined;
      });
      await raceAbort(draining, signal);
    },
    async next(signal) {
      const result = await raceAbort(messages.next(), signal);
      // What is still queued would be sent again on the next connection.
      if (isCut) throw new Error("the connection was cut");
      if (result.done) return undefined;
      const { message } = result.value;
      if (message?.$case === "frame") noteUsedUp(message.value.data.length);
      return message;
    },
    end: () => void call.end(),
    cut() {
      isCut = true;
      cut();
    },
    fail,
  };
}

/** Queues a message; a frame's memory stays what it is until gRPC has taken its bytes. */
function write(call: ClientCall | ServerCall, message: Outgoing): boolean {
  if (!("wire" in message)) return call.write(message as never);
  noteUsedUp(message.data.length); // by gRPC's own copy
  const kept = keep(message.data);
  return call.write(message as never, () => kept[Symbol.dispose]());
}

/** Resolves when the call takes more, or has ended: the next write tells. */
function drained(call: ClientCall | ServerCall): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ["drain", "close", "error"] as const;
  const done = (): void => {
    for (const event of events) call.off(event, done);
    resolve();
  };
  for (const event of events) call.on(event, done);
  return promise;
}
