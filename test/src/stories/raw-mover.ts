import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { RunRef, Tally } from "@penstock/proto";
import type { RawAgent, RawTransfer } from "./raw-agent.ts";

/** What is said first. */
function begin(agent: RawAgent, ref: RunRef, stream: string): RawTransfer {
  const value = { ref, stream, protocol: 1, offset: 0n, adopt: false };
  return agent.transfer().send({ $case: "open", value });
}

/** A mover that takes a backup's stream, holds it durably at once, and says so. Returns its bytes. */
export async function takeStream(agent: RawAgent, ref: RunRef, stream: string): Promise<Buffer> {
  const taking = new Taking(begin(agent, ref, stream));
  await taking.toEnd();
  return await taking.finish();
}

/** A mover in the middle of a backup's stream. */
export class Taking {
  readonly #transfer: RawTransfer;
  readonly #chunks: Uint8Array[] = [];

  constructor(transfer: RawTransfer) {
    this.#transfer = transfer;
  }

  /** Opens the transfer. */
  static begin(agent: RawAgent, ref: RunRef, stream: string): Taking {
    return new Taking(begin(agent, ref, stream));
  }

  /** Takes bytes until there are so many. Throws gRPC's own error. */
  async until(bytes: number): Promise<void> {
    while (this.#bytes < bytes) if (await this.#next()) throw new Error("it ended before");
  }

  /** Takes everything, and does not say so yet. Throws gRPC's own error. */
  async toEnd(): Promise<void> {
    while (!(await this.#next()));
  }

  /** Says that it has it all. Returns its bytes. */
  async finish(): Promise<Buffer> {
    this.#transfer.send({ $case: "finished", value: {} });
    await this.#transfer.next();
    return Buffer.concat(this.#chunks);
  }

  get #bytes(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  /** True at the end. */
  async #next(): Promise<boolean> {
    const message = await this.#transfer.next();
    if (message === undefined) throw new Error("the transfer has ended too early");
    if (message.$case === "frame") {
      this.#chunks.push(message.value.data);
      this.#transfer.send({ $case: "ack", value: { offset: BigInt(this.#bytes) } });
    }
    return message.$case === "end";
  }
}

/** What a mover says wrong. */
export interface Fault {
  /** The end promises these bytes instead. */
  readonly promised?: Buffer;
  /** From this byte on the checksum of each frame is wrong. */
  readonly wrongFrom?: number;
}

const FRAME_BYTES = 64 * 1024;

/**
 * A mover that gives a restore's stream. Resolves when the agent has said that it was taken; throws
 * gRPC's own error.
 */
export async function giveStream(
  agent: RawAgent,
  ref: RunRef,
  { name: stream, bytes, fault = {} }: { name: string; bytes: Buffer; fault?: Fault },
): Promise<void> {
  const transfer = begin(agent, ref, stream);
  await transfer.next(); // opened
  const { promised = bytes, wrongFrom = bytes.length } = fault;
  for (let offset = 0; offset < bytes.length; offset += FRAME_BYTES) {
    const data = bytes.subarray(offset, offset + FRAME_BYTES);
    const checksum = offset >= wrongFrom ? 1 : crc32(data);
    transfer.send({
      $case: "frame",
      value: { offset: BigInt(offset), crc32: checksum, data },
    });
  }
  transfer.send({ $case: "end", value: { tool: undefined, tally: tallyOf(promised) } });
  for (;;) {
    const message = await transfer.next();
    if (message?.$case === "finished") break;
  }
  transfer.end();
}

function tallyOf(bytes: Buffer): Tally {
  const sha256 = createHash("sha256").update(bytes).digest();
  const count = BigInt(bytes.length);
  return { rawBytes: count, storedBytes: count, rawSha256: sha256, storedSha256: sha256 };
}
