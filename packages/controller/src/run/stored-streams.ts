import {
  type CodecName,
  codecSuffix,
  hasCode,
  type Receipt,
  raceAbort,
  type StoredObject,
  type ToolOutcome,
} from "@penstock/common";
import { setKeys } from "../catalogue/keys.ts";
import type { Mover, StoredStream, StoreTask } from "../mover/jobs.ts";
import type { PlannedStream } from "../producers/producer.ts";
import type { Reporter, StreamState } from "../runs/report.ts";
import type { TargetConfig } from "../targets/targets.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { watchStream } from "./watch-stalls.ts";

/** What all streams of a backup have in common. */
export interface StoreContext {
  readonly session: Session;
  readonly mover: Mover;
  readonly protocol: number;
  readonly cluster: string;
  readonly set: string;
  /** Of streams that have none of their own. */
  readonly codec: CodecName;
  readonly targets: readonly TargetConfig[];
  readonly segmentBytes: number;
  readonly takesOver: boolean;
  /** How often their connections were lost before. */
  readonly reconnects: number;
  readonly stalls: StallWatch;
  /** Makes the receipt known to whoever may have to go on; durable when it resolves. */
  readonly note: (receipt: Receipt) => Promise<void>;
  readonly report: Reporter;
}

/** One stream of a backup, on its way to its receipt. */
export interface BackupStreamRun {
  readonly planned: PlannedStream;
  /** The proof that the stream is complete and visible; there once `settle` has resolved. */
  readonly receipt: Receipt | undefined;
  /** Resolves once bytes could flow. */
  attached(): Promise<void>;
  /**
   * After the stream's tool has ended well (`null`: no tool wrote it): waits for the last byte and
   * makes the objects visible. An optional stream that was never opened has no receipt afterwards.
   */
  settle(tool: ToolOutcome | null): Promise<void>;
  /** Frees what the mover holds; what was not published is gone. Never throws. */
  close(): Promise<void>;
}

/** A stream that another process had finished before it died. */
export function finishedStream(
  planned: PlannedStream,
  receipt: Receipt,
  report: Reporter,
): BackupStreamRun {
  const { name: stream, host, bytesStored: bytes } = receipt;
  report({ event: "stream", stream, host, state: "done", bytes });
  const done = (): Promise<void> => Promise.resolve();
  return { planned, receipt, attached: done, settle: done, close: done };
}

/** A stream that is still moved. */
export class StoredStreamRun implements BackupStreamRun {
  readonly planned: PlannedStream;
  readonly #context: StoreContext;
  readonly #task: StoreTask;
  readonly #attached = Promise.withResolvers<void>();
  readonly #arrived: Promise<StoredStream>;
  #state: StreamState = "preparing";
  #bytes = 0;
  #reconnects = 0;
  #receipt: Receipt | undefined;

  /** Gives the stream its mover; `address` is where its agent serves it. See StoreJob for `takesOver`. */
  constructor(context: StoreContext, planned: PlannedStream, address: string) {
    const { session, mover } = context;
    this.#context = context;
    this.planned = planned;
    this.#reconnects = context.reconnects;
    const { host, name, codec = context.codec } = planned;
    this.#task = mover.store(
      {
        from: {
          host,
          address,
          run: session.ref.run,
          token: session.ref.token,
          protocol: context.protocol,
          stream: name,
          patienceMs: session.leaseMs,
        },
        targets: context.targets,
        place: {
          key: setKeys(context.cluster, context.set).stream(name, codecSuffix(codec)),
          scope: setKeys(context.cluster, context.set).scope,
          segmentBytes: context.segmentBytes,
        },
        takesOver: context.takesOver,
      },
      {
        onAttached: () => {
          watchStream(context.stalls, session, planned);
          this.#to("attached");
          this.#attached.resolve();
        },
        onWaiting: (waitingFor) => context.stalls.waiting(name, waitingFor),
        onProgress: (bytes) => this.#progress(bytes),
        onReconnect: (cause) => {
          this.#reconnects += 1;
          context.report({ event: "reconnect", stream: name, host, cause });
        },
      },
      session.signal,
    );
    this.#arrived = Promise.race([this.#task.received, session.whenMissing(name)]);
    const finished = (): void => context.stalls.finished(name);
    this.#arrived.then(finished, finished);
    if (planned.required) session.guardStream(this.#arrived);
    else session.allowMissing(name);
  }

  attached(): Promise<void> {
    return raceAbort(this.#attached.promise, this.#context.session.signal);
  }

  get receipt(): Receipt | undefined {
    return this.#receipt;
  }

  async settle(tool: ToolOutcome | null): Promise<void> {
    const { name, host, kind, path, contentId, dbid } = this.planned;
    const { codec = this.#context.codec } = this.planned;
    const stored = await this.#received();
    this.#to(stored === undefined ? "absent" : "received");
    if (stored === undefined) return;
    const objects = await this.#publish();
    const receipt: Receipt = {
      name,
      host,
      kind,
      path,
      ...(contentId === undefined ? {} : { contentId }),
      ...(dbid === undefined ? {} : { dbid }),
      codec,
      encrypted: false,
      ...stored,
      objects,
      tool,
      reconnects: this.#reconnects,
    };
    await this.#context.note(receipt); // whoever is told that it is done may rely on it
    this.#receipt = receipt;
    this.#to("done");
  }

  async close(): Promise<void> {
    if (this.#receipt === undefined && this.#state !== "absent") this.#to("failed");
    await this.#task.discard().catch(() => {}); // sweeping the target does the rest
  }

  async #received(): Promise<StoredStream | undefined> {
    try {
      return await raceAbort(this.#arrived, this.#context.session.signal);
    } catch (error) {
      if (this.planned.required || !hasCode(error, "not_found")) throw error;
      return undefined;
    }
  }

  async #publish(): Promise<StoredObject[]> {
    const { stalls, session } = this.#context;
    const { name, host, whileItWaits } = this.planned;
    stalls.attached(name, host, whileItWaits);
    stalls.waiting(name, "target");
    try {
      return await raceAbort(this.#task.publish(), session.signal);
    } finally {
      stalls.finished(name);
    }
  }

  #progress(bytes: number): void {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#context.stalls.moved(this.planned.name);
    if (this.#state === "attached") this.#state = "flowing";
    this.#tell();
  }

  #to(state: StreamState): void {
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    const { name: stream, host } = this.planned;
    this.#context.report({ event: "stream", stream, host, state: this.#state, bytes: this.#bytes });
  }
}
