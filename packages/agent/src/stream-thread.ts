/** Entry of a thread of streams: a gRPC server with nothing but Transfer. See thread-messages.ts. */
import { parentPort, workerData } from "node:worker_threads";
import {
  AGENT_SERVICE,
  createGrpcServer,
  formatAddress,
  PenstockError,
  parseListenAddress,
  readCredentials,
  toPenstockError,
} from "@penstock/common";
import type { AgentConfig } from "./config.ts";
import { LocalStreamHost } from "./local-stream-host.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { HostedStream, StreamEvents } from "./stream-host.ts";
import type { FromThread, ToThread } from "./thread-messages.ts";
import { TransferService } from "./transfer-service.ts";

const port = parentPort;
if (port === null) throw new Error("stream-thread.ts is not a program of its own");
const post = (message: FromThread): void => port.postMessage(message);

const config = workerData as AgentConfig;
const tls = readCredentials(config.tls, { roles: ["agent"], cluster: config.cluster });
const transfers = new TransferService(config.cluster, (id, { message, stack }) => {
  post({ id: 0, kind: "log", level: "error", fields: { id, stack }, message });
});
const server = createGrpcServer(tls, {
  onRefused: (address, reason) =>
    post({
      id: 0,
      kind: "log",
      level: "warn",
      fields: { address, reason },
      message: "client refused",
    }),
});
server.addService({ transfer: AGENT_SERVICE.transfer }, { transfer: transfers.transfer });
const { host } = parseListenAddress(config.listen);
const boundPort = await server.bind(formatAddress({ host, port: 0 }));
const share = Math.floor(config.memory / config.threads);
const streams = new LocalStreamHost(
  transfers,
  new MemoryBudget(share, config.replayBuffer),
  boundPort,
);
const hosted = new Map<number, HostedStream>();
const guards = new Map<number, PromiseWithResolvers<void>>();

port.on("message", (message: ToThread) => {
  handle(message).catch((error: unknown) => {
    const { code, message: text } = toPenstockError(error, "stream");
    const kind = message.kind === "close" ? "notClosed" : "notOpen";
    post({ id: message.id, kind, code, message: text });
  });
});
post({ id: 0, kind: "ready", port: boundPort });

async function handle(message: ToThread): Promise<void> {
  const { id } = message;
  switch (message.kind) {
    case "open":
      hosted.set(id, await streams.open(message.settings, eventsOf(id)));
      return post({ id, kind: "open" });
    case "toolEnded":
      return hosted.get(id)?.toolEnded(message.graceMs);
    case "letEnd":
      return hosted.get(id)?.letEnd();
    case "setPace":
      return hosted.get(id)?.setPace(message.rate);
    case "guardReleased":
      return guards.get(id)?.resolve();
    case "guardHeld":
      return guards.get(id)?.reject(new PenstockError(message.code, message.message));
    case "close":
      guards.get(id)?.resolve();
      guards.delete(id);
      await hosted
        .get(id)
        ?.close()
        .finally(() => hosted.delete(id));
      return post({ id, kind: "closed" });
    case "numbers":
      return post({ id, kind: "numbers", numbers: await streams.numbers() });
    case "exit":
      await streams[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      port?.close();
  }
}

function eventsOf(id: number): StreamEvents {
  return {
    onOpened: () => post({ id, kind: "opened" }),
    onCalledAgain: () => post({ id, kind: "calledAgain" }),
    onEnded: (tally) => post({ id, kind: "ended", tally }),
    onFailed: ({ code, message }) => post({ id, kind: "failed", code, message }),
    releaseGuard() {
      const released = Promise.withResolvers<void>();
      guards.set(id, released);
      post({ id, kind: "releaseGuard" });
      return released.promise;
    },
  };
}
