import { once } from "node:events";
import pg from "pg";
import { isConnected } from "./message-text.ts";
import type { ScriptInput } from "./script-input.ts";
import { type ScriptStep, StatementReader } from "./statement-reader.ts";

/**
 * Runs a script as psql does: errors are said, and it goes on. Returns psql's exit status: 0 at the end of
 * the script, 2 when the connection is lost. Throws if the script cannot be read.
 */
export async function runScript(
  client: pg.Client,
  input: ScriptInput,
  say: (error: Error) => void,
): Promise<number> {
  const reader = new StatementReader();
  for (let line = await input.line(); ; line = await input.line()) {
    for (const step of line === undefined ? reader.end() : reader.add(line)) {
      const error = await perform(client, step, input);
      if (error) say(error);
      if (error && step.kind === "statement" && !isConnected(error)) return 2;
    }
    if (line === undefined) return 0;
  }
}

/** Returns what went wrong. */
async function perform(
  client: pg.Client,
  { kind, text }: ScriptStep,
  input: ScriptInput,
): Promise<Error | undefined> {
  if (kind === "command") return new Error(`error: invalid command ${text}`);
  const statement = client.query(new Statement(text));
  const taker = await statement.taker;
  if (taker) await sendRows(taker, statement, input.rows());
  return await statement.end;
}

/** Sends all rows, or passes over the rest once the server has refused one. */
async function sendRows(
  taker: CopyConnection,
  { end }: Statement,
  rows: AsyncIterable<Buffer>,
): Promise<void> {
  let refused: Error | undefined;
  void end.then((error) => {
    refused = error;
  });
  for await (const piece of rows) {
    if (refused && !isConnected(refused)) return;
    if (refused) continue;
    taker.sendCopyFromChunk(piece);
    if (taker.stream.writableNeedDrain) await Promise.race([once(taker.stream, "drain"), end]);
  }
  if (!refused) taker.endCopyFrom();
}

/** What `pg` has for COPY; its types do not say so. */
interface CopyConnection extends pg.Connection {
  sendCopyFromChunk(piece: Buffer): void;
  endCopyFrom(): void;
}

/** One statement, of which it is not known beforehand whether the server will ask for rows. */
class Statement extends pg.Query {
  /** The connection that takes rows; undefined if none are asked for. */
  readonly taker: Promise<CopyConnection | undefined>;
  /** The error, if it ended with one. */
  readonly end: Promise<Error | undefined>;
  readonly #taker = Promise.withResolvers<CopyConnection | undefined>();

  constructor(text: string) {
    super(text);
    this.taker = this.#taker.promise;
    this.end = new Promise((resolve) => {
      this.once("end", () => resolve(undefined));
      this.once("error", resolve);
    });
    void this.end.then(() => this.#taker.resolve(undefined));
  }

  /** Called by `pg`. */
  handleCopyInResponse(connection: CopyConnection): void {
    this.#taker.resolve(connection);
  }
}
