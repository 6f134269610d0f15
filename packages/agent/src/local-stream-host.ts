import { toPenstockError } from "@penstock/common";
import { BackupStream } from "./backup-stream.ts";
import { FifoReader } from "./fifo-reader.ts";
import { FifoWriter } from "./fifo-writer.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { RestoreStream } from "./restore-stream.ts";
import type { AgentStream, StreamSettings } from "./stream.ts";
import { StreamCounts } from "./stream-counts.ts";
import type { HostedStream, StreamEvents, StreamHost } from "./stream-host.ts";
import type { StreamNumbers } from "./stream-numbers.ts";
import type { TransferService } from "./transfer-service.ts";

/** Serves streams in this very thread. */
export class LocalStreamHost implements StreamHost {
  readonly port: number;
  /** Of all its streams. */
  readonly budget: MemoryBudget;
  readonly #service: TransferService;
  readonly #open: Set<HostedStream> = new Set();
  readonly #counts: StreamCounts = new StreamCounts();

  constructor(service: TransferService, budget: MemoryBudget, port = 0) {
    this.#service = service;
    this.budget = budget;
    this.port = port;
  }

  get load(): number {
    return this.#open.size;
  }

  numbers(): Promise<StreamNumbers> {
    return Promise.resolve(this.#counts.numbers);
  }

  async open(settings: StreamSettings, events: StreamEvents): Promise<HostedStream> {
    const stream =
      settings.direction === "backup"
        ? await this.#openReader(settings)
        : openWriter(settings, events);
    return this.serve(settings, stream, events);
  }

  /** Serves a stream that is already open. */
  serve(settings: StreamSettings, stream: AgentStream, events: StreamEvents): HostedStream {
    const counted = this.#counts.add(settings.direction, stream);
    let calls = 0;
    const onCall = (): void => {
      calls += 1;
      if (calls === 1) return;
      counted.reconnected();
      events.onCalledAgain();
    };
    this.#service.add({ settings, stream, onCall });
    void stream.opened.then(() => events.onOpened());
    stream.done.then(
      (tally) => events.onEnded(tally),
      (error: unknown) => events.onFailed(toPenstockError(error, settings.path)),
    );
    const hosted: HostedStream = {
      toolEnded: (graceMs) => stream.toolEnded(graceMs),
      letEnd: () => stream.letEnd(),
      setPace: (rate) => {
        if (stream.pace !== undefined) stream.pace.rate = rate;
      },
      close: async () => {
        this.#service.remove(settings);
        this.#open.delete(hosted);
        try {
          await stream[Symbol.asyncDispose]();
        } finally {
          counted.close();
        }
      },
    };
    this.#open.add(hosted);
    return hosted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((hosted) => hosted.close()));
  }

  async #openReader({ path, isHeldOpen, ...form }: StreamSettings): Promise<AgentStream> {
    return new BackupStream(await FifoReader.open(path, { isHeldOpen }), form, this.budget);
  }
}

/** The pipe is opened once its consumer has; nobody else may hold it when it is closed. */
function openWriter({ path, codec }: StreamSettings, events: StreamEvents): AgentStream {
  return new RestoreStream(codec, async (signal) => {
    const writer = await FifoWriter.open(path, signal);
    return {
      write: (chunk) => writer.write(chunk),
      async end() {
        await events.releaseGuard();
        await writer.end();
      },
      [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
    };
  });
}
