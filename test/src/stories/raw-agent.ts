import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, type ClientDuplexStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  CHANNEL_OPTIONS,
  createChannelCredentials,
  PROTOCOL,
  type Role,
  raceAbort,
  signCertificate,
  type TlsMaterial,
} from "@penstock/common";
import {
  AgentService,
  Codec,
  Direction,
  type RunEvent,
  type RunRef,
  StreamKind,
  StreamSpec,
  TransferMessage,
  WatchRequest,
} from "@penstock/proto";
import type { AgentHost } from "../harness/agent-host.ts";
import { CLUSTER_NAME } from "../harness/cluster.ts";

/** A certificate of the cluster whose authority lies in this folder. */
export async function createMaterial(pki: string, role: Role): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all(
    ["ca.pem", "ca.key"].map((name) => readFile(join(pki, name), "utf8")),
  );
  const authority = { cert: cert ?? "", key: key ?? "" };
  const request = { role, name: `raw-${role}`, addresses: [] };
  const pair = await signCertificate(authority, request);
  const identity = { cluster: CLUSTER_NAME, role, name: request.name };
  const [ca, own, ownKey] = [authority.cert, pair.cert, pair.key].map((pem) => Buffer.from(pem));
  if (ca === undefined || own === undefined || ownKey === undefined) throw new Error("no PEM");
  return { ca, cert: own, key: ownKey, identity };
}

/** Nobody may keep a caller waiting that is wrong. */
const LIMIT_MS = 60_000;

type Methods = Omit<typeof AgentService, "transfer" | "watch">;

/** Speaks the agent's protocol, or something like it, without any manners. */
export class RawAgent implements Disposable {
  readonly #client: Client;

  constructor({ address }: Pick<AgentHost, "address">, material: TlsMaterial) {
    const options = { ...CHANNEL_OPTIONS, "grpc.max_send_message_length": -1 };
    this.#client = new Client(address, createChannelCredentials(material), options);
  }

  /** Calls a method; throws gRPC's own error. */
  call<Name extends keyof Methods>(
    name: Name,
    request: Parameters<Methods[Name]["requestSerialize"]>[0],
  ): Promise<ReturnType<Methods[Name]["responseDeserialize"]>> {
    const { path, requestSerialize } = AgentService[name];
    // Each method's own types belong together; TypeScript cannot see that through the index.
    const body = (requestSerialize as (value: unknown) => Buffer)(request);
    return this.callBytes(path, body).then(
      (answer) => AgentService[name].responseDeserialize(answer) as never,
    );
  }

  /** Sends these bytes as a request. */
  async callBytes(path: string, body: Buffer): Promise<Buffer> {
    const same = (bytes: Buffer): Buffer => bytes;
    return await new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer): void =>
        error === null ? resolve(answer ?? Buffer.alloc(0)) : reject(error);
      this.#client.makeUnaryRequest(path, same, same, body, new Metadata(), done);
    });
  }

  /** Opens a run of its own with a name that no other run has. */
  async beginRun(plan: string): Promise<RunRef> {
    const ref = { run: `raw-${randomBytes(6).toString("hex")}`, token: randomBytes(32) };
    const rest = { protocol: PROTOCOL, plan, holder: "raw", cluster: CLUSTER_NAME, leaseMs: 0 };
    await this.call("beginRun", { ...ref, ...rest });
    return ref;
  }

  /** What happens in a run, from the beginning. Throws gRPC's own error. */
  watch(ref: RunRef): AsyncIterator<RunEvent> {
    const { path, requestSerialize, responseDeserialize } = AgentService.watch;
    const request = WatchRequest.create({ ref });
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    );
    call.on("error", () => {}); // whoever asks for the next event is told
    return call.iterator({ destroyOnReturn: false });
  }

  /** Begins a transfer; what is sent are messages, or bytes as they are. */
  transfer(): RawTransfer {
    const same = (bytes: Buffer): Buffer => bytes;
    const { path } = AgentService.transfer;
    return new RawTransfer(this.#client.makeBidiStreamRequest(path, same, same));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

type Body = NonNullable<TransferMessage["message"]>;

/** One call of Transfer. */
export class RawTransfer {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #answers: AsyncIterator<Buffer>;

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on("error", () => {}); // whoever asks for the next answer is told
    this.#answers = call.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  send(body: Body | Buffer): this {
    const isBytes = Buffer.isBuffer(body);
    this.#call.write(
      isBytes ? body : Buffer.from(TransferMessage.encode({ message: body }).finish()),
    );
    return this;
  }

  /** Nothing more comes from us. */
  end(): this {
    this.#call.end();
    return this;
  }

  /** The next answer but heartbeats; `undefined` at a good end. Throws gRPC's own error. */
  async next(): Promise<Body | undefined> {
    for (;;) {
      const { done, value } = await this.#answers.next();
      if (done === true) return undefined;
      const { message } = TransferMessage.decode(value);
      if (message?.$case !== "heartbeat") return message;
    }
  }

  /** The error that ends the call, whatever comes before it. */
  async failure(): Promise<ServiceError> {
    try {
      while ((await raceAbort(this.next(), AbortSignal.timeout(LIMIT_MS))) !== undefined);
    } catch (error) {
      return error as ServiceError;
    }
    throw new Error("the transfer has ended well");
  }
}

/** A pipe of a backup, unless something else is said. */
export function toSpec(name: string, path: string, changes: Partial<StreamSpec> = {}): StreamSpec {
  return StreamSpec.create({
    name,
    path,
    kind: StreamKind.STREAM_KIND_FIFO,
    direction: Direction.DIRECTION_BACKUP,
    codec: Codec.CODEC_NONE,
    ...changes,
  });
}
