import { Worker } from "node:worker_threads";
import { PenstockError, type StoredObject, type TlsMaterial } from "@penstock/common";
import { startTimeLimit } from "../time-limit.ts";
import type { DeliverTask, JobEvents, Mover, StoredStream, StoreTask } from "./jobs.ts";
import { type FromMover, fromPlainError, type ToMover } from "./messages.ts";

type Job = Extract<ToMover, { job: unknown }>;
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

/** Longer than any storage takes that still answers. */
const CLOSE_LIMIT_MS = 30_000;

/** What the main thread keeps of a job. */
interface Pending {
  readonly events: JobEvents;
  readonly settled: PromiseWithResolvers<StoredStream | undefined>;
  readonly published: PromiseWithResolvers<StoredObject[]>;
  readonly ended: PromiseWithResolvers<void>;
}

/** A mover in a thread of its own. `jobs` is its load. */
export class MoverThread implements Mover {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<unknown>;
  #lastId = 0;
  #failure: PenstockError | undefined;

  constructor(tls: TlsMaterial) {
    const fromSource = import.meta.url.endsWith(".ts");
    this.#worker = new Worker(
      new URL(fromSource ? "./worker.ts" : "./worker.js", import.meta.url),
      {
        workerData: tls,
        ...(fromSource ? { execArgv: ["--conditions=source"] } : {}),
      },
    );
    this.#exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.on("message", (message: FromMover) => this.#take(message));
    this.#worker.on("error", (error) => this.#fail(error));
  }

  get jobs(): number {
    return this.#pending.size;
  }

  store(...[job, events, signal]: Parameters<Mover["store"]>): StoreTask {
    const [id, pending] = this.#start({ kind: "store", job }, events);
    const received = pending.settled.promise as Promise<StoredStream>;
    const discard = (): Promise<void> => {
      signal.removeEventListener("abort", onAbort); // a run may have thousands of streams
      return this.#end(id);
    };
    const onAbort = (): void => void discard();
    signal.addEventListener("abort", onAbort, { once: true });
    return {
      received,
      publish: () => {
        this.#post({ id, kind: "publish" });
        return pending.published.promise;
      },
      discard,
    };
  }

  deliver(...[job, events, signal]: Parameters<Mover["deliver"]>): DeliverTask {
    const [id, pending] = this.#start({ kind: "deliver", job }, events);
    return {
      delivered: this.#finish(id, pending, signal),
      begin: () => this.#post({ id, kind: "begin" }),
      setRate: (rate) => this.#post({ id, kind: "pace", rate }),
    };
  }

  verify(...[job, events, signal]: Parameters<Mover["verify"]>): Promise<void> {
    const [id, pending] = this.#start({ kind: "verify", job }, events);
    return this.#finish(id, pending, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#close();
    // What hangs with its storage must not keep us.
    using limit = startTimeLimit(CLOSE_LIMIT_MS);
    await Promise.race([closed, limit.over]);
    this.#worker.unref();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#pending.keys()].map((id) => this.#end(id)));
    this.#post({ id: 0, kind: "close" });
    await this.#exited;
  }

  async #finish(id: number, pending: Pending, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#post({ id, kind: "end" });
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      await pending.settled.promise;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      await this.#end(id);
    }
  }

  #start(job: WithoutId<Job>, events: JobEvents): [number, Pending] {
    this.#lastId += 1;
    const pending: Pending = {
      events,
      settled: Promise.withResolvers(),
      published: Promise.withResolvers(),
      ended: Promise.withResolvers(),
    };
    pending.settled.promise.catch(() => {}); // who waits for it is told; nobody has to
    pending.published.promise.catch(() => {});
    if (this.#failure !== undefined) {
      settle(pending, this.#failure);
      return [this.#lastId, pending];
    }
    this.#pending.set(this.#lastId, pending);
    this.#post({ ...job, id: this.#lastId });
    return [this.#lastId, pending];
  }

  /** The job's end, whatever its state; its memory in the thread is free then. */
  async #end(id: number): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#post({ id, kind: "end" });
    await pending.ended.promise;
    this.#pending.delete(id);
    settle(pending, new PenstockError("failed", "discarded")); // nothing more will be said of it
  }

  #post(message: ToMover): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromMover): void {
    const pending = this.#pending.get(message.id);
    switch (message.kind) {
      case "attached":
        pending?.events.onAttached();
        break;
      case "progress":
        pending?.events.onProgress(message.bytes);
        break;
      case "waiting":
        pending?.events.onWaiting(message.waitingFor);
        break;
      case "reconnect":
        pending?.events.onReconnect(message.cause);
        break;
      case "received":
        pending?.settled.resolve(message.stored);
        break;
      case "done":
        pending?.settled.resolve(undefined);
        break;
      case "published":
        pending?.published.resolve(message.objects);
        break;
      case "ended":
        pending?.ended.resolve();
        break;
      case "failed": {
        const error = fromPlainError(message.error);
        pending?.settled.reject(error);
        pending?.published.reject(error);
      }
    }
  }

  /** The thread itself has died: a fault of ours. */
  #fail(cause: Error): void {
    this.#failure = new PenstockError("internal", `mover thread: ${cause.message}`, { cause });
    for (const pending of this.#pending.values()) settle(pending, this.#failure);
    this.#pending.clear();
  }
}

/** Nobody will answer for this job any more. */
function settle({ settled, published, ended }: Pending, error: Error): void {
  settled.reject(error);
  published.reject(error);
  ended.resolve();
}
