import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import {
  AGENT_SERVICE,
  addStandardServices,
  createGrpcServer,
  type GrpcServer,
  PenstockError,
  raceAbort,
  readCredentials,
  type TlsMaterial,
} from "@penstock/common";
import type { Logger } from "pino";
import type { AgentConfig } from "./config.ts";
import { cleanLeftOvers } from "./left-overs.ts";
import { LocalStreamHost } from "./local-stream-host.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { PluginSessions } from "./plugin/plugin-sessions.ts";
import { executableOf, socketOf } from "./plugin/plugin-settings.ts";
import type { PluginPlace } from "./plugin/run-plugin.ts";
import { servePlugins } from "./plugin/serve-plugins.ts";
import { RunCounts } from "./run-counts.ts";
import { Runs } from "./runs.ts";
import { type MetricsParts, serveAgentMetrics } from "./serve-agent-metrics.ts";
import { createAgentService } from "./service.ts";
import { lockState } from "./state-lock.ts";
import type { StreamHost } from "./stream-host.ts";
import { ThreadStreamHost } from "./thread-stream-host.ts";
import { TransferService } from "./transfer-service.ts";

const DRAIN_LIMIT_MS = 2_000;

/** A running agent. Disposing it aborts its runs, removes what they made and frees its ports. */
export interface RunningAgent extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts an agent: checks its surroundings, takes its state directory and its address, removes what
 * dead runs left, and only then accepts runs. In this order a second agent by mistake cannot clean up
 * under the first. Throws, with nothing left running, if any of that fails.
 */
export async function startAgent(config: AgentConfig, log: Logger): Promise<RunningAgent> {
  await assertRoots(config.roots);
  const tls = readCredentials(config.tls, { roles: ["agent"], cluster: config.cluster });
  await using opened = new AsyncDisposableStack();
  opened.use(await lockState(config.stateDirectory));

  const server = opened.adopt(createServer(tls, log), close);
  const transfers = new TransferService(config.cluster, (id, err) => {
    log.error({ id, err }, "internal error");
  });
  const budget = new MemoryBudget(Math.floor(config.memory / config.threads), config.replayBuffer);
  const mainHost = opened.use(new LocalStreamHost(transfers, budget));
  const hosts = await openHosts(config, mainHost, opened, log);
  const { roots, tools, stateDirectory } = config;
  const counts = new RunCounts(Object.keys(tools));
  const plugin = await openPlugin(config, opened, log);
  const around = { roots, tools, stateDirectory, hosts, mainHost, plugin, counts, log };
  const runs = opened.use(new Runs(around));

  const { username: user } = userInfo();
  server.addService(AGENT_SERVICE, createAgentService({ config, runs, transfers, log, user }));
  await addStandardServices(server);
  const port = await server.bind(config.listen);
  const measured = { config, runs, counts, hosts: new Set([mainHost, ...hosts]) };
  await openMetrics(measured, opened, log);
  await cleanLeftOvers(stateDirectory, log);
  runs.accept();
  log.info({ listen: config.listen, port, threads: config.threads }, "agent is ready");
  const running = opened.move();
  return { port, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function createServer(tls: TlsMaterial, log: Logger): GrpcServer {
  return createGrpcServer(tls, {
    onRefused: (address, reason) => log.warn({ address, reason }, "client refused"),
  });
}

/** Unless the configuration wants none. */
async function openPlugin(
  config: AgentConfig,
  opened: AsyncDisposableStack,
  log: Logger,
): Promise<PluginPlace> {
  const sessions = new PluginSessions(config.name, log);
  const socket = socketOf(config);
  if (socket !== "") opened.use(await servePlugins(socket, sessions));
  return { socket, executable: executableOf(config.plugin), sessions };
}

/** If the configuration wants any. */
async function openMetrics(
  parts: MetricsParts,
  opened: AsyncDisposableStack,
  log: Logger,
): Promise<void> {
  const { metrics } = parts.config;
  if (metrics === undefined) return;
  const { port: metricsPort } = opened.use(await serveAgentMetrics(metrics.listen, parts));
  log.info({ listen: metrics.listen, metricsPort }, "metrics are served");
}

/** Controllers are still being told why their runs have ended; whoever does not listen is cut off. */
async function close(server: GrpcServer): Promise<void> {
  // AbortSignal.timeout would not keep the process alive until then.
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), DRAIN_LIMIT_MS);
  // A session whose connection broke in mid-write never ends, even when it is cut off.
  await raceAbort(server.drain(limit.signal), limit.signal).catch(() => {});
  clearTimeout(timer);
  await server[Symbol.asyncDispose]();
}

/** With one thread all is served on the main port; more threads have a port each. */
async function openHosts(
  config: AgentConfig,
  mainHost: LocalStreamHost,
  opened: AsyncDisposableStack,
  log: Logger,
): Promise<StreamHost[]> {
  if (config.threads === 1) return [mainHost];
  const hosts: StreamHost[] = [];
  for (let count = 0; count < config.threads; count++) {
    hosts.push(opened.use(await ThreadStreamHost.start(config, log)));
  }
  return hosts;
}

async function assertRoots(roots: readonly string[]): Promise<void> {
  for (const root of roots) {
    const found = await stat(root).catch(() => undefined);
    if (found?.isDirectory() === true) continue;
    throw new PenstockError("usage", `root ${root} is not a folder`, {
      hint: "make the folder, or correct roots: in the agent's configuration",
    });
  }
}
