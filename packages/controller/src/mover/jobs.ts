import type { BytesPerSecond, Receipt, StoredObject } from "@penstock/common";
import type { TargetConfig } from "../targets/targets.ts";
import type { StreamPlace } from "./stream-place.ts";

/** Where an agent serves one stream, and what lets us have it. Plain data: it crosses threads. */
export interface AgentStream {
  /** Name of the agent, for messages. */
  readonly host: string;
  /** "host:port" of the agent's Transfer service for this stream. */
  readonly address: string;
  readonly run: string;
  readonly token: Uint8Array;
  readonly protocol: number;
  readonly stream: string;
  /** How long to try to come back after a break. */
  readonly patienceMs: number;
}

/** Backup of one stream. */
export interface StoreJob {
  readonly from: AgentStream;
  readonly targets: readonly TargetConfig[];
  readonly place: StreamPlace;
  /** Another process has begun it, and is dead: go on with what it has stored. */
  readonly takesOver: boolean;
}

/** What one stored stream is, once the sender and we agree on it. Digests in hexadecimal. */
export interface StoredStream {
  readonly bytesRaw: number;
  readonly bytesStored: number;
  readonly sha256Raw: string;
  readonly sha256Stored: string;
}

/** Restore of one stream. */
export interface DeliverJob {
  readonly to: AgentStream;
  readonly target: TargetConfig;
  readonly receipt: Receipt;
  /** Only these raw bytes, in this order; the agent gets them as they are, without a codec. */
  readonly ranges?: readonly RawRange[];
  /** How fast stored bytes may go at first; `undefined` is as fast as they can. */
  readonly rate: BytesPerSecond | undefined;
}

/** Raw bytes `[start, end)` of a stream. */
export interface RawRange {
  readonly start: number;
  readonly end: number;
}

/** Reading one stored stream back, to check it. */
export interface VerifyJob {
  readonly target: TargetConfig;
  readonly receipt: Receipt;
}

/** Whom a stream waits for at the moment: while it moves this changes all the time. */
export type WaitingFor = "nobody" | "tool" | "network" | "target";

/** What a mover tells while it works on a job. */
export interface JobEvents {
  /** The connection to the agent is there: bytes could flow. */
  readonly onAttached: () => void;
  /** Stored bytes moved so far; several times a second at most. */
  readonly onProgress: (bytesStored: number) => void;
  /** Whom the stream waits for: told when it has become another, several times a second at most. */
  readonly onWaiting: (waitingFor: WaitingFor) => void;
  /** The connection was lost and is there again. */
  readonly onReconnect: (cause: string) => void;
}

/** A stream on its way to its targets. */
export interface StoreTask {
  /** All bytes are durable, and sizes and digests agree with the agent's. Nothing is visible yet. */
  readonly received: Promise<StoredStream>;
  /** After `received`: makes the objects visible. */
  publish(): Promise<StoredObject[]>;
  /** Ends the task at any moment and leaves nothing of what was not published. Repeatable. */
  discard(): Promise<void>;
}

/** A stream on its way to its agent. */
export interface DeliverTask {
  /** Resolves when the agent has taken every byte and agrees with the manifest. */
  readonly delivered: Promise<void>;
  /** Its consumer is there: from now on it is read. What waits for one takes no memory. */
  begin(): void;
  /** How fast it goes from now on. Nothing happens when it has ended. */
  setRate(rate: BytesPerSecond | undefined): void;
}

/**
 * Moves streams between agents and targets. Errors name host and stream. A job ends when its
 * signal aborts; a mover that is disposed of ends all its jobs.
 */
export interface Mover extends AsyncDisposable {
  store(job: StoreJob, events: JobEvents, signal: AbortSignal): StoreTask;
  deliver(job: DeliverJob, events: JobEvents, signal: AbortSignal): DeliverTask;
  /** Resolves when every byte was read and is what the manifest says; else throws `damaged`. */
  verify(job: VerifyJob, events: JobEvents, signal: AbortSignal): Promise<void>;
}
