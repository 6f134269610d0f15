import type { StreamSettings } from "./stream.ts";

/** Which way the bytes of a stream go. */
export type Direction = StreamSettings["direction"];

/** Where an open stream is: `waiting` until its tool has opened the other end. */
export type StreamState = "waiting" | "flowing" | "done" | "failed";

/** The states, in their order. */
export const STREAM_STATES: readonly StreamState[] = ["waiting", "flowing", "done", "failed"];

/** What streams of one direction came to. Plain data: it crosses threads. */
export interface DirectionNumbers extends Readonly<Record<StreamState, number>> {
  /** As the tools write or read them, since the agent's start. */
  readonly rawBytes: number;
  /** As they cross the network, once each, since the agent's start. */
  readonly storedBytes: number;
  /** Since the agent's start. */
  readonly reconnects: number;
  /** Memory held now for bytes that are not acknowledged. */
  readonly heldBytes: number;
  /** What that may come to now, for the streams that are not done and acknowledged. */
  readonly limitBytes: number;
}

/** What the streams of an agent, or of one of its threads, came to. */
export type StreamNumbers = Readonly<Record<Direction, DirectionNumbers>>;

/** Of no streams at all. */
export const NO_NUMBERS: DirectionNumbers = {
  ...{ waiting: 0, flowing: 0, done: 0, failed: 0 },
  ...{ rawBytes: 0, storedBytes: 0, reconnects: 0, heldBytes: 0, limitBytes: 0 },
};

/** The sum of each number. */
export function addNumbers(all: readonly StreamNumbers[]): StreamNumbers {
  return {
    backup: addDirections(all.map(({ backup }) => backup)),
    restore: addDirections(all.map(({ restore }) => restore)),
  };
}

/** What is left of streams that are closed: what was counted since the agent's start. */
export function closedNumbers({ backup, restore }: StreamNumbers): StreamNumbers {
  return { backup: closedDirection(backup), restore: closedDirection(restore) };
}

function addDirections(all: readonly DirectionNumbers[]): DirectionNumbers {
  const names = Object.keys(NO_NUMBERS) as (keyof DirectionNumbers)[];
  const sums = names.map((name) => [name, all.reduce((sum, each) => sum + each[name], 0)]);
  return Object.fromEntries(sums);
}

function closedDirection({
  rawBytes,
  storedBytes,
  reconnects,
}: DirectionNumbers): DirectionNumbers {
  return { ...NO_NUMBERS, rawBytes, storedBytes, reconnects };
}
