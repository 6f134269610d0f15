import { timingSafeEqual } from "node:crypto";
import {
  authorize,
  createServerChannel,
  expectLife,
  negotiate,
  PenstockError,
  type ServerCall,
  toGrpcError,
} from "@penstock/common";
import type { Open } from "@penstock/proto";
import type { AgentStream, StreamSettings } from "./stream.ts";

/** A stream that is open in this thread. */
export interface ServedStream {
  readonly settings: StreamSettings;
  readonly stream: AgentStream;
  /** A mover has called, and may. */
  readonly onCall: () => void;
}

/** The streams of one thread by run and name, and the Transfer method that serves them. */
export class TransferService {
  readonly #cluster: string;
  readonly #streams: Map<string, ServedStream> = new Map();
  readonly #onInternal: (id: string, error: Error) => void;

  constructor(cluster: string, onInternal: (id: string, error: Error) => void) {
    this.#cluster = cluster;
    this.#onInternal = onInternal;
  }

  get size(): number {
    return this.#streams.size;
  }

  add(served: ServedStream): void {
    this.#streams.set(keyOf(served.settings.run, served.settings.name), served);
  }

  remove({ run, name }: StreamSettings): void {
    this.#streams.delete(keyOf(run, name));
  }

  /** The handler of Transfer. What the stream does with the call afterwards is its own affair. */
  readonly transfer = (call: ServerCall): void => {
    this.#accept(call).catch((error: unknown) => {
      call.emit("error", toGrpcError(error, this.#onInternal));
    });
  };

  async #accept(call: ServerCall): Promise<void> {
    authorize(call, { roles: ["controller", "mover"], cluster: this.#cluster });
    const channel = createServerChannel(call);
    const never = new AbortController().signal;
    const first = await expectLife(channel.next(never), channel);
    if (first?.$case !== "open") throw new PenstockError("usage", `a transfer begins with "open"`);
    const { protocol } = first.value;
    negotiate({ min: protocol, max: protocol });
    const { stream, onCall } = this.#find(first.value);
    onCall();
    stream.accept(channel, first.value);
  }

  #find({ ref, stream }: Open): ServedStream {
    const served = this.#streams.get(keyOf(ref?.run ?? "", stream));
    if (served === undefined) {
      throw new PenstockError("not_found", `no stream ${stream} of run ${ref?.run} is open here`, {
        hint: "the agent was restarted, or the run's lease has ended",
      });
    }
    assertToken(served.settings.token, ref?.token);
    return served;
  }
}

/** Throws `refused` unless the caller knows the run's secret. */
export function assertToken(expected: Uint8Array, given: Uint8Array | undefined): void {
  if (isToken(expected, given)) return;
  throw new PenstockError("refused", "that is not the token of this run");
}

/** Takes the same time whatever is wrong with it. */
export function isToken(expected: Uint8Array, given: Uint8Array | undefined): boolean {
  return given?.length === expected.length && timingSafeEqual(given, expected);
}

function keyOf(run: string, name: string): string {
  return `${run}/${name}`;
}
