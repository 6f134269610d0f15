import type { Socket } from "node:net";
import { PenstockError, raceAbort, toError } from "@penstock/common";
import { ByteReader } from "./byte-reader.ts";
import {
  endFrame,
  FRAME,
  type FrameHeader,
  frameHeader,
  HEADER_BYTES,
  MOST_DATA_BYTES,
  MOST_WORDS_BYTES,
  parseHeader,
  toFrame,
} from "./frames.ts";

/** Room for the ranges of some ten thousand tables. */
const REQUEST_LIMIT_BYTES: number = 2 * 1024 * 1024;
/** How long a process may take to hear its answer and go. */
const LINGER_MS = 5_000;
const LONGEST_MESSAGE = 8_192;

/** What a process has said instead of bytes. */
export interface Words {
  readonly type: number;
  readonly payload: Buffer;
}

/** Our end of the connection of one plugin process. It is answered once; then it is closed. */
export class PluginConnection {
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #reader: ByteReader;
  #answered = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new ByteReader(socket.iterator({ destroyOnReturn: false }));
    socket.on("error", () => {}); // told to whoever reads or writes
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** The request line; `undefined` for a process that was gone at once. Throws `failed`. */
  async request(timeoutMs: number): Promise<string | undefined> {
    const limit = AbortSignal.timeout(timeoutMs);
    const heard = raceAbort(this.#reader.line(REQUEST_LIMIT_BYTES), limit);
    const line = await heard.catch((cause: unknown) => {
      const message = `a plugin process has asked nothing within ${timeoutMs / 1000} s`;
      throw new PenstockError("failed", message, { cause });
    });
    if (line !== undefined || !(await this.#reader.filled())) return line;
    throw new PenstockError("usage", `a request has at most ${REQUEST_LIMIT_BYTES} bytes`);
  }

  /** Resolves when the process has said something (true) or has gone (false). */
  get heard(): Promise<boolean> {
    return this.#reader.filled();
  }

  /** The head of the next frame; `undefined` if the process has gone. Throws `failed`. */
  async header(): Promise<FrameHeader | undefined> {
    const bytes = await this.#reader.exactly(HEADER_BYTES);
    if (bytes === undefined) return undefined;
    const header = parseHeader(bytes);
    const most = header.type === FRAME.data ? MOST_DATA_BYTES : MOST_WORDS_BYTES;
    if (header.length <= most) return header;
    throw new PenstockError(
      "failed",
      `a plugin process has sent a frame of ${header.length} bytes`,
    );
  }

  /** Some bytes of a frame's payload; 0 if the process has gone. */
  async read(target: Uint8Array): Promise<number> {
    return await this.#reader.into(target);
  }

  /** The payload of a frame that holds no bytes of a stream; `undefined` if the process has gone. */
  async words({ type, length }: FrameHeader): Promise<Words | undefined> {
    const payload = await this.#reader.exactly(length);
    return payload && { type, payload };
  }

  /** Hands over bytes of a stream. Resolves when they have left our hands; one at a time. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += MOST_DATA_BYTES) {
      const piece = bytes.subarray(offset, offset + MOST_DATA_BYTES);
      this.#socket.cork();
      this.#socket.write(frameHeader(FRAME.data, piece.length));
      const written = this.#write(piece);
      this.#socket.uncork();
      await written;
    }
  }

  /** All bytes were handed over, and right. */
  async sendEnd(bytes: number): Promise<void> {
    await this.#write(endFrame(bytes));
  }

  /** Tells the process that all is well. Only the first answer counts. */
  succeed(): void {
    this.#answer(toFrame(FRAME.ok));
  }

  /** Tells the process why it has failed. Only the first answer counts. */
  fail({ code, message, hint }: PenstockError): void {
    const words = JSON.stringify({ code, message: message.slice(0, LONGEST_MESSAGE), hint });
    this.#answer(toFrame(FRAME.failed, Buffer.from(words)));
  }

  /** Closes without a word, unless it was answered: to the process that is a failure, too. */
  destroy(): void {
    this.#answered = true;
    this.#socket.destroy();
  }

  /** What it still sends is taken meanwhile: else the answer could get lost with it. */
  #answer(frame: Buffer): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#socket.end(frame);
    void this.#reader.discard().then(() => this.#socket.destroy());
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    timer.unref();
    void this.closed.then(() => clearTimeout(timer));
  }

  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(toError(error));
        else resolve();
      });
    });
  }
}
