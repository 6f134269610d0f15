import type { Socket } from "node:net";
import { Failure, messageOf } from "./failure.ts";
import { endFrame, FRAME, type Frame, frameHeader, readFrames } from "./frames.ts";
import { reach } from "./reach.ts";

/** The most that one frame carries. */
const MOST_DATA_BYTES = 256 * 1024;
const VERSION = 1;

/** What is asked of the agent. */
export type Request = SetupRequest | StreamRequest;

/** Is there a run for this backup or restore? */
interface SetupRequest {
  readonly plan: string;
  readonly command: "setup";
  readonly kind: "backup" | "restore";
  readonly timestamp: string;
}

/** The bytes of a key are to be handed over, or are wanted. */
export interface StreamRequest {
  readonly plan: string;
  readonly command: "backup" | "restore";
  readonly key: string;
  /** Of a restore: pairs of start and end. */
  readonly ranges?: readonly (readonly [number, number])[];
}

/** The connection to this host's agent, for one request. */
export class Link {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #frames: AsyncGenerator<Frame, void, undefined>;

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    this.#socket.on("error", () => {}); // told to whoever reads or writes
    this.#frames = readFrames(this.#socket);
  }

  /** Connects and asks. Throws a Failure if the agent cannot be reached. */
  static async open(path: string, request: Request): Promise<Link> {
    const link = new Link(path, await reach(path));
    const line = { version: VERSION, ...request, pid: process.pid };
    link.#socket.write(`${JSON.stringify(line)}\n`);
    return link;
  }

  /** Hands over bytes. Resolves when they have left our hands; one at a time. */
  async send(bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += MOST_DATA_BYTES) {
      const piece = bytes.subarray(offset, offset + MOST_DATA_BYTES);
      this.#socket.cork();
      this.#socket.write(frameHeader(FRAME.data, piece.length));
      const written = this.#write(piece);
      this.#socket.uncork();
      await written;
    }
  }

  /** All was handed over. */
  async sendEnd(bytes: number): Promise<void> {
    await this.#write(endFrame(bytes));
  }

  /** What was asked for is where it belongs. */
  async sendOk(): Promise<void> {
    await this.#write(frameHeader(FRAME.ok, 0));
  }

  /** Why it cannot go on. */
  async sendFailure(message: string): Promise<void> {
    const payload = Buffer.from(JSON.stringify({ message }));
    await this.#write(Buffer.concat([frameHeader(FRAME.failed, payload.length), payload]));
  }

  /** What the agent says next, if it is no failure. Throws a Failure, also if it says nothing more. */
  async next(): Promise<Frame> {
    const frame = await this.#read();
    if (frame.type === FRAME.failed) throw toFailure(frame);
    return frame;
  }

  /** Resolves when the agent says that all is well. Throws a Failure for anything else. */
  async done(): Promise<void> {
    const { type } = await this.next();
    if (type !== FRAME.ok) throw new Failure(`the agent at ${this.#path} spoke out of turn`);
  }

  async #read(): Promise<Frame> {
    try {
      const { done, value } = await this.#frames.next();
      if (done !== true) return value;
    } catch (cause) {
      throw this.#gone(cause);
    }
    throw this.#gone();
  }

  #gone(cause?: unknown): Failure {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    return new Failure(`the agent at ${this.#path} has closed the connection${why}`, { cause });
  }

  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

function toFailure({ payload }: Frame): Failure {
  const { message, code, hint } = JSON.parse(payload.toString()) as Record<string, string>;
  const text = hint === undefined ? `${message}` : `${message}\nhint: ${hint}`;
  return new Failure(text, code === undefined ? {} : { code });
}
