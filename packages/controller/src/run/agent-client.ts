import { Client, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  CHANNEL_OPTIONS,
  createChannelCredentials,
  fromGrpcError,
  PROTOCOL,
  type TlsMaterial,
} from "@penstock/common";
import {
  type AbortRunRequest,
  AgentService,
  type AnswerPluginRequest,
  type BeginRunRequest,
  type BeginRunResponse,
  type DescribeResponse,
  type EndStreamsRequest,
  type FindFilesResponse,
  type FoundFile,
  type PrepareRequest,
  type PrepareResponse,
  type ReadFileResponse,
  type RunEvent,
  type RunRef,
  type SetPaceRequest,
  type StartToolRequest,
} from "@penstock/proto";

/** Long enough for a slow host, short enough for an operator who waits. */
const CALL_TIMEOUT_MS = 20_000;
/** For calls of a run that may take their time: its lease says whether the agent is still there. */
const NO_TIMEOUT = Number.POSITIVE_INFINITY;

/** What a tool reports in a file, or lists there. */
const TEXT_LIMIT_BYTES = 2 * 1024 * 1024;

/** How a unary method of AgentService is called. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/**
 * The controller's connection to one agent. Every error is a PenstockError that names the agent;
 * code `unreachable` if it did not answer.
 */
export class AgentClient implements Disposable {
  readonly name: string;
  readonly address: string;
  readonly #client: Client;

  constructor(name: string, address: string, tls: TlsMaterial) {
    this.name = name;
    this.address = address;
    this.#client = new Client(address, createChannelCredentials(tls), CHANNEL_OPTIONS);
  }

  describe(signal: AbortSignal): Promise<DescribeResponse> {
    return this.#call(AgentService.describe, { protocol: PROTOCOL }, signal);
  }

  beginRun(request: BeginRunRequest, signal: AbortSignal): Promise<BeginRunResponse> {
    return this.#call(AgentService.beginRun, request, signal);
  }

  async renewLease(ref: RunRef, signal: AbortSignal): Promise<void> {
    await this.#call(AgentService.renewLease, { ref }, signal);
  }

  prepare(request: PrepareRequest, signal: AbortSignal): Promise<PrepareResponse> {
    return this.#call(AgentService.prepare, request, signal, NO_TIMEOUT);
  }

  async startTool(request: StartToolRequest, signal: AbortSignal): Promise<number> {
    return (await this.#call(AgentService.startTool, request, signal, NO_TIMEOUT)).pid;
  }

  async setPace(request: SetPaceRequest, signal: AbortSignal): Promise<void> {
    await this.#call(AgentService.setPace, request, signal);
  }

  async findFiles(ref: RunRef, globs: string[], signal: AbortSignal): Promise<FoundFile[]> {
    const found: FindFilesResponse = await this.#call(
      AgentService.findFiles,
      { ref, globs },
      signal,
      NO_TIMEOUT,
    );
    return found.files;
  }

  /** A small regular file, whole; `not_found` if there is none. */
  readFile(ref: RunRef, path: string, signal: AbortSignal): Promise<ReadFileResponse> {
    const request = { ref, path, maxBytes: TEXT_LIMIT_BYTES };
    return this.#call(AgentService.readFile, request, signal, NO_TIMEOUT);
  }

  /** Streams that are held open end when what is in their pipes is read. */
  async endStreams(request: EndStreamsRequest, signal: AbortSignal): Promise<void> {
    await this.#call(AgentService.endStreams, request, signal);
  }

  /** What a plugin process hears of its request; an empty `error`: all is well. */
  async answerPlugin(request: AnswerPluginRequest, signal: AbortSignal): Promise<void> {
    await this.#call(AgentService.answerPlugin, request, signal);
  }

  async abortRun(request: AbortRunRequest, signal: AbortSignal): Promise<void> {
    await this.#call(AgentService.abortRun, request, signal);
  }

  async releaseRun(ref: RunRef, signal: AbortSignal): Promise<void> {
    await this.#call(AgentService.releaseRun, { ref }, signal);
  }

  /** The run's events after number `after`. Throws when the connection breaks. */
  async *watch(
    ref: RunRef,
    after: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<RunEvent, void, undefined> {
    const { path, requestSerialize, responseDeserialize } = AgentService.watch;
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      ref,
      after,
    });
    const cancel = (): void => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    call.on("error", () => {}); // the iterator reports it
    try {
      yield* call as AsyncIterable<RunEvent>;
    } catch (error) {
      signal.throwIfAborted();
      throw fromGrpcError(error, this.#what);
    } finally {
      signal.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  get #what(): string {
    return `agent ${this.name} (${this.address})`;
  }

  #call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
    request: Request,
    signal: AbortSignal,
    timeoutMs: number = CALL_TIMEOUT_MS,
  ): Promise<Response> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const done = (error: ServiceError | null, response?: Response): void => {
      signal.removeEventListener("abort", cancel);
      if (signal.aborted) reject(signal.reason);
      else if (error !== null || response === undefined) reject(fromGrpcError(error, this.#what));
      else resolve(response);
    };
    const options = { deadline: Date.now() + timeoutMs };
    const call = this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      options,
      done,
    );
    const cancel = (): void => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    return promise;
  }
}
