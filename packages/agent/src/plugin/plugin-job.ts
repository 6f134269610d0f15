import { PenstockError, raceAbort, toPenstockError } from "@penstock/common";
import { FRAME } from "./frames.ts";
import type { PluginConnection, Words } from "./plugin-connection.ts";
import type { ByteRange, StreamRequest } from "./plugin-request.ts";

/** From the controller's word that all is well to the mover's, which takes another way. */
const TAKEN_LIMIT_MS = 15_000;

/** A job is there as long as its process waits for an answer. */
type State = "waiting" | "streaming" | "over";

/** What one plugin process wants of a run: to hand over bytes, or to get some. */
export class PluginJob {
  readonly id: number;
  readonly direction: "backup" | "restore";
  readonly key: string;
  readonly ranges: readonly ByteRange[];
  readonly connection: PluginConnection;
  readonly #pid: number;
  #state: State = "waiting";
  #answerLater = false;
  #isTaken = false;
  /** Resolves when all its bytes are durable, or it is over. */
  readonly #decided: PromiseWithResolvers<void> = Promise.withResolvers();
  #ending: PenstockError | undefined;

  constructor(id: number, { command, key, ranges, pid }: StreamRequest, to: PluginConnection) {
    this.id = id;
    this.direction = command;
    this.key = key;
    this.ranges = ranges;
    this.connection = to;
    this.#pid = pid;
  }

  /** Who it is, for messages. */
  get process(): string {
    return `plugin process ${this.#pid}`;
  }

  get state(): State {
    return this.#state;
  }

  /** A stream serves it from now on, unless it is over; see StreamSpec.answer_later. */
  begin(answerLater: boolean): void {
    if (this.#state === "waiting") this.#state = "streaming";
    this.#answerLater = answerLater;
  }

  /** Backup: all its bytes are durable. */
  taken(): void {
    this.#isTaken = true;
    this.#decided.resolve();
    if (!this.#answerLater) this.#succeed();
  }

  /**
   * The controller says that all is well. Waits until the mover has said so, too. Throws `usage` if that is
   * not the controller's to say, `failed` if the mover does not say it in time.
   */
  async approve(): Promise<void> {
    if (this.#state !== "streaming" || !this.#answerLater || this.direction !== "backup") {
      const message = `request ${this.id} has no stream that is answered later: all cannot be well`;
      throw new PenstockError("usage", message);
    }
    const limit = AbortSignal.timeout(TAKEN_LIMIT_MS);
    await raceAbort(this.#decided.promise, limit).catch(() => {});
    if (this.#isTaken) return this.#succeed();
    throw new PenstockError("failed", `request ${this.id}: not all of its bytes are durable`);
  }

  /** The process hears why; only the first answer counts. */
  fail(error: unknown): void {
    this.#state = "over";
    this.#decided.resolve();
    this.connection.fail(this.#ending ?? toPenstockError(error, this.process));
  }

  /** Restore: it has it all, and there is nothing more to say. */
  finish(): void {
    this.#succeed();
  }

  /** The run was released: bytes that are durable were wanted. */
  release(error: PenstockError): void {
    if (this.#isTaken) this.#succeed();
    else this.fail(error);
  }

  /**
   * The run is being stopped. A restore that has begun is told when its stream is closed, after the
   * tools: so its consumer is gone before the bytes end.
   */
  abort(error: PenstockError): void {
    this.#ending = error;
    if (this.direction === "backup" || this.#state === "waiting") this.fail(error);
  }

  /** The error for a process that has gone, or has said why it cannot go on. */
  failure(words: Words | undefined, whereItWas: string, cause?: unknown): PenstockError {
    return new PenstockError("failed", `${this.process}${how(words, whereItWas)}`, { cause });
  }

  #succeed(): void {
    this.#state = "over";
    this.connection.succeed();
  }
}

function how(words: Words | undefined, whereItWas: string): string {
  if (words === undefined) return ` ended ${whereItWas}`;
  if (words.type !== FRAME.failed) return ` spoke out of turn ${whereItWas}`;
  return `: ${reasonIn(words.payload)}`;
}

function reasonIn(payload: Buffer): string {
  try {
    const { message } = JSON.parse(payload.toString()) as { readonly message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // Said below.
  }
  return "it has failed and does not say why";
}
