import type { LocalStreamHost } from "../local-stream-host.ts";
import type { HostedStream, StreamEvents } from "../stream-host.ts";
import type { StreamPlan } from "../stream-plan.ts";
import type { PluginJob } from "./plugin-job.ts";
import { openPluginStream } from "./plugin-stream.ts";

/** So many streams are kept whose process has it all: a mover may come back for its last word. */
const KEPT_DELIVERED = 1_000;

/** What the streams for plugin processes are served with. */
export interface PluginStreamsParts {
  readonly run: string;
  readonly token: Uint8Array;
  readonly mainHost: LocalStreamHost;
  readonly eventsOf: (plan: StreamPlan, guard: undefined) => StreamEvents;
}

/**
 * The streams of a run that serve plugin processes. There may be tens of thousands of them, and memory is
 * shared out among those that are open: so they are closed one by one, when nobody needs them any more.
 */
export class PluginStreams {
  readonly #parts: PluginStreamsParts;
  readonly #forget: (name: string) => Promise<void>;
  /** Names of those that are closed and forgotten. */
  readonly #over: Set<string> = new Set();
  /** Names of those whose process has got it all, the oldest first. */
  readonly #delivered: string[] = [];

  /** `forget` closes a stream, and is called once for each that is over while the run goes on. */
  constructor(parts: PluginStreamsParts, forget: (name: string) => Promise<void>) {
    this.#parts = parts;
    this.#forget = forget;
  }

  /** Once there was such a stream: nothing about it matters any more. */
  isOver(name: string): boolean {
    return this.#over.has(name);
  }

  serve(plan: StreamPlan, job: PluginJob): HostedStream {
    const { run, token, mainHost, eventsOf } = this.#parts;
    const stream = openPluginStream(job, plan, mainHost.budget);
    const settings = { ...plan, run, token, path: job.key };
    const hosted = mainHost.serve(settings, stream, eventsOf(plan, undefined));
    // One that has failed stays: its mover has to be told why.
    const isOver = Promise.all([stream.done, job.connection.closed]);
    isOver.then(() => this.#ended(plan)).catch(() => {});
    return hosted;
  }

  /** Of a backup the process goes when its mover has said its last word. */
  async #ended({ name, direction }: StreamPlan): Promise<void> {
    if (direction === "backup") return await this.#end(name);
    this.#delivered.push(name);
    const oldest = this.#delivered.length > KEPT_DELIVERED ? this.#delivered.shift() : undefined;
    if (oldest !== undefined) await this.#end(oldest);
  }

  async #end(name: string): Promise<void> {
    this.#over.add(name);
    await this.#forget(name);
  }
}
