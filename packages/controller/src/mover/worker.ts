/** Entry of a mover's thread: jobs come in as messages, see messages.ts. */
import { parentPort, workerData } from "node:worker_threads";
import type { TlsMaterial } from "@penstock/common";
import type { DeliverTask, JobEvents, Mover, StoreTask } from "./jobs.ts";
import { createLocalMover } from "./local-mover.ts";
import { type FromMover, type ToMover, toPlainError } from "./messages.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is not a program of its own");
const post = (message: FromMover): void => port.postMessage(message);

const mover: Mover = createLocalMover(workerData as TlsMaterial);
const aborts = new Map<number, AbortController>();
const stores = new Map<number, StoreTask>();
const deliveries = new Map<number, DeliverTask>();
const running = new Map<number, Promise<void>>();

port.on("message", (message: ToMover) => {
  const handled = handle(message).catch((error: unknown) => {
    post({ id: message.id, kind: "failed", error: toPlainError(error) });
  });
  if ("job" in message) running.set(message.id, handled);
});

async function handle(message: ToMover): Promise<void> {
  const { id } = message;
  switch (message.kind) {
    case "store": {
      const task = mover.store(message.job, eventsOf(id), signalOf(id));
      stores.set(id, task);
      post({ id, kind: "received", stored: await task.received });
      break;
    }
    case "deliver": {
      const task = mover.deliver(message.job, eventsOf(id), signalOf(id));
      deliveries.set(id, task);
      await task.delivered;
      post({ id, kind: "done" });
      break;
    }
    case "begin":
      deliveries.get(id)?.begin();
      break;
    case "pace":
      deliveries.get(id)?.setRate(message.rate);
      break;
    case "verify":
      await mover.verify(message.job, eventsOf(id), signalOf(id));
      post({ id, kind: "done" });
      break;
    case "publish": {
      const task = stores.get(id);
      if (task !== undefined) post({ id, kind: "published", objects: await task.publish() });
      break;
    }
    case "end":
      aborts.get(id)?.abort();
      await stores.get(id)?.discard();
      await running.get(id);
      for (const map of [stores, deliveries, aborts, running]) map.delete(id);
      post({ id, kind: "ended" });
      break;
    case "close":
      await mover[Symbol.asyncDispose]();
      process.exit(); // this thread: a connection being made to a host that is gone would keep it
  }
}

function signalOf(id: number): AbortSignal {
  const abort = new AbortController();
  aborts.set(id, abort);
  return abort.signal;
}

function eventsOf(id: number): JobEvents {
  return {
    onAttached: () => post({ id, kind: "attached" }),
    onProgress: (bytes) => post({ id, kind: "progress", bytes }),
    onWaiting: (waitingFor) => post({ id, kind: "waiting", waitingFor }),
    onReconnect: (cause) => post({ id, kind: "reconnect", cause }),
  };
}
