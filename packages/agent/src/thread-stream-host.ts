import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { PenstockError, raceAbort, toPenstockError } from "@penstock/common";
import type { Tally } from "@penstock/proto";
import type { Logger } from "pino";
import type { AgentConfig } from "./config.ts";
import type { StreamSettings } from "./stream.ts";
import type { HostedStream, StreamEvents, StreamHost } from "./stream-host.ts";
import { closedNumbers, NO_NUMBERS, type StreamNumbers } from "./stream-numbers.ts";
import type { FromThread, ToThread } from "./thread-messages.ts";

/** A thread that does not answer for so long is told of by what it said last. */
const NUMBERS_TIMEOUT_MS = 2_000;

interface Hosted {
  readonly events: StreamEvents;
  readonly open: PromiseWithResolvers<void>;
  readonly closed: PromiseWithResolvers<void>;
}

/** Serves streams in a thread of its own, on a port of its own; see stream-thread.ts. */
export class ThreadStreamHost implements StreamHost {
  readonly port: number;
  readonly #worker: Worker;
  readonly #log: Logger;
  readonly #hosted: Map<number, Hosted> = new Map();
  readonly #exited: Promise<unknown>;
  #lastId = 0;
  #numbers: StreamNumbers = { backup: NO_NUMBERS, restore: NO_NUMBERS };
  /** Until the thread has answered. */
  #asked: PromiseWithResolvers<void> | undefined;
  #failure: PenstockError | undefined;

  private constructor(worker: Worker, port: number, log: Logger) {
    this.port = port;
    this.#exited = new Promise((resolve) => worker.once("exit", resolve));
    this.#worker = worker;
    this.#log = log;
    worker.on("message", (message: FromThread) => this.#take(message));
    worker.on("error", (error) => this.#fail(error));
  }

  /** Starts the thread; resolves when it listens. */
  static async start(config: AgentConfig, log: Logger): Promise<ThreadStreamHost> {
    const fromSource = import.meta.url.endsWith(".ts");
    const file = fromSource ? "./stream-thread.ts" : "./stream-thread.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: config,
      trackUnmanagedFds: false, // sockets close the pipes' descriptors, behind Node's back
      ...(fromSource ? { execArgv: ["--conditions=source"] } : {}),
    });
    const [ready] = (await once(worker, "message")) as [FromThread];
    if (ready.kind !== "ready") throw new PenstockError("internal", "thread is not ready");
    return new ThreadStreamHost(worker, ready.port, log);
  }

  get load(): number {
    return this.#failure === undefined ? this.#hosted.size : Number.POSITIVE_INFINITY;
  }

  async numbers(): Promise<StreamNumbers> {
    if (this.#failure !== undefined) return this.#numbers;
    if (this.#asked === undefined) {
      this.#asked = Promise.withResolvers();
      this.#post({ id: 0, kind: "numbers" });
    }
    await raceAbort(this.#asked.promise, AbortSignal.timeout(NUMBERS_TIMEOUT_MS)).catch(() => {});
    return this.#numbers;
  }

  async open(settings: StreamSettings, events: StreamEvents): Promise<HostedStream> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#lastId += 1;
    const id = this.#lastId;
    const hosted = {
      events,
      open: Promise.withResolvers<void>(),
      closed: Promise.withResolvers<void>(),
    };
    hosted.closed.promise.catch(() => {}); // told to whoever closes
    this.#hosted.set(id, hosted);
    this.#post({ id, kind: "open", settings });
    await hosted.open.promise;
    return {
      toolEnded: (graceMs) => this.#post({ id, kind: "toolEnded", graceMs }),
      letEnd: () => this.#post({ id, kind: "letEnd" }),
      setPace: (rate) => this.#post({ id, kind: "setPace", rate }),
      close: async () => {
        if (!this.#hosted.has(id)) return;
        this.#post({ id, kind: "close" });
        await hosted.closed.promise;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#post({ id: 0, kind: "exit" });
    await this.#exited;
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromThread): void {
    if (message.kind === "log") this.#log[message.level](message.fields, message.message);
    if (message.kind === "numbers") this.#heard(message.numbers);
    const hosted = this.#hosted.get(message.id);
    if (hosted !== undefined) this.#takeOf(hosted, message);
  }

  #heard(numbers: StreamNumbers): void {
    this.#numbers = numbers;
    this.#asked?.resolve();
    this.#asked = undefined;
  }

  #takeOf({ events, open, closed }: Hosted, message: FromThread): void {
    switch (message.kind) {
      case "open":
        open.resolve();
        break;
      case "notOpen":
        this.#hosted.delete(message.id);
        open.reject(new PenstockError(message.code, message.message));
        break;
      case "notClosed":
        this.#hosted.delete(message.id);
        closed.reject(new PenstockError(message.code, message.message));
        break;
      case "opened":
        events.onOpened();
        break;
      case "calledAgain":
        events.onCalledAgain();
        break;
      case "ended":
        events.onEnded(toTally(message.tally));
        break;
      case "failed":
        events.onFailed(new PenstockError(message.code, message.message));
        break;
      case "releaseGuard":
        void this.#release(message.id, events);
        break;
      case "closed":
        this.#hosted.delete(message.id);
        closed.resolve();
        break;
      default:
    }
  }

  /** A guard that is still held must not be taken for released: its pipe would not end. */
  async #release(id: number, events: StreamEvents): Promise<void> {
    try {
      await events.releaseGuard();
      this.#post({ id, kind: "guardReleased" });
    } catch (error) {
      const { code, message } = toPenstockError(error, "guard");
      this.#post({ id, kind: "guardHeld", code, message });
    }
  }

  /** The thread has died: a fault of ours, and the end of its streams. */
  #fail(cause: Error): void {
    this.#log.fatal({ err: cause }, "a thread of streams has died");
    const error = new PenstockError("internal", `thread of streams: ${cause.message}`, { cause });
    this.#failure = error;
    for (const { events, open, closed } of this.#hosted.values()) {
      open.reject(error);
      events.onFailed(error);
      closed.resolve();
    }
    this.#hosted.clear();
    this.#heard(closedNumbers(this.#numbers));
  }
}

/** Buffers arrive from another thread as plain arrays. */
function toTally(tally: Tally): Tally {
  const { rawSha256, storedSha256 } = tally;
  return { ...tally, rawSha256: Buffer.from(rawSha256), storedSha256: Buffer.from(storedSha256) };
}
