import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import {
  authorize,
  formatDuration,
  LOG_FIELD,
  negotiate,
  PenstockError,
  showArgument,
  toGrpcError,
} from "@penstock/common";
import type {
  AgentServer,
  BeginRunRequest,
  DescribeRequest,
  DescribeResponse,
  FindFilesResponse,
  ReadFileResponse,
  RunEvent,
  RunRef,
  WatchRequest,
} from "@penstock/proto";
import type { Logger } from "pino";
import type { AgentConfig } from "./config.ts";
import { socketOf } from "./plugin/plugin-settings.ts";
import type { Runs } from "./runs.ts";
import { toPaces } from "./stream-pace.ts";
import type { TransferService } from "./transfer-service.ts";
import { unary } from "./unary.ts";
import { VERSION } from "./version.ts";

const TOKEN_BYTES = 32;
const LEAST_LEASE_MS = 1_000;
const LONGEST_LEASE_MS = 3_600_000;

/** What the service works on. */
export interface ServiceParts {
  readonly config: AgentConfig;
  readonly runs: Runs;
  readonly transfers: TransferService;
  readonly log: Logger;
  readonly user: string;
}

/**
 * The handlers of the Agent service; see agent.proto. Every accepted command is in the audit log, of paces
 * those that have changed much.
 */
export function createAgentService(parts: ServiceParts): AgentServer {
  const { runs, transfers, log } = parts;
  const around = { cluster: parts.config.cluster, log };
  const run = ({ ref }: { ref: RunRef | undefined }): Readonly<Record<string, unknown>> => ({
    [LOG_FIELD.run]: ref?.run,
  });
  return {
    describe: unary(around, (request) => Promise.resolve(describe(parts, request))),
    beginRun: unary(
      around,
      async (request) => {
        const protocol = negotiate(request.protocol);
        const leaseMs = request.leaseMs === 0 ? parts.config.lease : request.leaseMs;
        assertBegin(request, parts.config.cluster, leaseMs);
        await runs.begin({ ...request, leaseMs });
        return { protocol, leaseMs };
      },
      ({ run, plan, holder }) => ({ run, plan, holder }),
    ),
    renewLease: unary(around, async ({ ref }) => {
      await runs.get(ref);
      return {};
    }),
    prepare: unary(
      around,
      async (request) => await (await runs.get(request.ref)).prepare(request),
      (request) => ({ ...run(request), streams: request.streams.map(({ name }) => name) }),
    ),
    watch: (call) => void watch(parts, call),
    startTool: unary(
      around,
      async (request) => ({ pid: await (await runs.get(request.ref)).startTool(request) }),
      // Arguments may be looked at; the environment may hold passwords.
      (request) => ({ ...run(request), tool: request.tool, args: request.args.map(showArgument) }),
    ),
    setPace: unary(
      around,
      async ({ ref, streams }) => {
        (await runs.get(ref)).setPace(toPaces(streams));
        return {};
      },
      async (request) => {
        const news = (await runs.get(request.ref)).paceAudit.take(toPaces(request.streams));
        if (news.length === 0) return undefined;
        const streams = news.map(({ name, rate }) => ({ name, rate: rate ?? "off" }));
        return { ...run(request), streams };
      },
    ),
    transfer: transfers.transfer,
    findFiles: unary(
      around,
      async ({ ref, globs }): Promise<FindFilesResponse> => {
        const files = await (await runs.get(ref)).findFiles(globs);
        return {
          files: files.map(({ path, sizeBytes, modifiedMs }) => ({
            path,
            bytes: BigInt(sizeBytes),
            modifiedMs: BigInt(modifiedMs),
          })),
        };
      },
      (request) => ({ ...run(request), globs: request.globs }),
    ),
    readFile: unary(
      around,
      async ({ ref, path, maxBytes }): Promise<ReadFileResponse> => {
        const { data, modifiedMs } = await (await runs.get(ref)).readFile(path, maxBytes);
        return { data, modifiedMs: BigInt(modifiedMs) };
      },
      (request) => ({ ...run(request), path: request.path }),
    ),
    endStreams: unary(
      around,
      async ({ ref, names }) => {
        (await runs.get(ref)).endStreams(names);
        return {};
      },
      (request) => ({ ...run(request), streams: request.names }),
    ),
    answerPlugin: unary(
      around,
      async ({ ref, id, error }) => {
        await (await runs.get(ref)).answerPlugin(id, error);
        return {};
      },
      (request) => ({ ...run(request), id: `${request.id}`, reason: request.error }),
    ),
    abortRun: unary(
      around,
      async ({ ref, reason }) => {
        await (await runs.find(ref))?.abort(reason);
        return {};
      },
      (request) => ({ ...run(request), reason: request.reason }),
    ),
    releaseRun: unary(
      around,
      async ({ ref }) => {
        await (await runs.find(ref))?.release();
        return {};
      },
      run,
    ),
  };
}

function describe(
  { config, runs, user }: ServiceParts,
  { protocol }: DescribeRequest,
): DescribeResponse {
  return {
    protocol: negotiate(protocol),
    name: config.name,
    cluster: config.cluster,
    version: VERSION,
    nowMs: BigInt(Date.now()),
    roots: [...config.roots],
    tools: Object.keys(config.tools),
    user,
    memoryBytes: BigInt(config.memory),
    leaseMs: config.lease,
    runs: runs.list(),
    pluginSocket: socketOf(config),
  };
}

/** Throws unless a run may begin so. The name becomes part of file names. */
function assertBegin({ run, token, cluster }: BeginRunRequest, own: string, leaseMs: number): void {
  if (cluster !== own) {
    throw new PenstockError("usage", `this agent belongs to cluster ${own}, not ${cluster}`);
  }
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(run))
    throw new PenstockError("usage", `bad name of a run: ${run}`);
  if (token.length !== TOKEN_BYTES) {
    throw new PenstockError("usage", `a run's token has ${TOKEN_BYTES} bytes, not ${token.length}`);
  }
  if (leaseMs >= LEAST_LEASE_MS && leaseMs <= LONGEST_LEASE_MS) return;
  const allowed = `${formatDuration(LEAST_LEASE_MS)} to ${formatDuration(LONGEST_LEASE_MS)}`;
  throw new PenstockError("usage", `a lease of ${formatDuration(leaseMs)}; allowed: ${allowed}`);
}

/** Never rejects: errors end the call. */
async function watch(
  { config, runs, log }: ServiceParts,
  call: ServerWritableStream<WatchRequest, RunEvent>,
): Promise<void> {
  const gone = new AbortController();
  call.once("close", () => gone.abort());
  call.on("error", () => gone.abort());
  try {
    authorize(call, { roles: ["controller"], cluster: config.cluster });
    const run = await runs.get(call.request.ref);
    for await (const event of run.events.after(call.request.after, gone.signal)) {
      if (!call.write(event)) await once(call, "drain", { signal: gone.signal });
    }
    call.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    call.emit(
      "error",
      toGrpcError(error, (id, err) => log.error({ id, err }, "internal error")),
    );
  }
}
