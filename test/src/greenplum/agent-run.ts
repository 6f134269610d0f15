import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import type { AgentStatus } from "./agent-status.ts";
import { connectTo } from "./catalogue.ts";
import { coordinatorText, writePostData } from "./dump-schema-text.ts";
import { type DumpedTable, findTables, lockTables, segmentText } from "./dump-segment-text.ts";
import { type GreenplumState, untilSettings } from "./state.ts";
import { coordinatorSteps, segmentSteps } from "./status-steps.ts";

/** What an agent was told. */
export interface AgentTask {
  /** Its key, and the channel of its notifications. */
  readonly channel: string;
  readonly folder: string;
  readonly port: number;
  readonly database: string;
  readonly prefix: string;
  readonly content: number;
  /** Which kind of filter, e.g. `exclude-table-file`, and where its names are. */
  readonly filter?: string;
  readonly filterFile?: string;
}

/** The dump of one instance. */
export class AgentRun {
  readonly #state: GreenplumState;
  readonly #status: AgentStatus;
  readonly #task: AgentTask;
  readonly #cancelled = new AbortController();
  #monitor: pg.Client | undefined;
  #backend = 0;
  #last: DumpedTable | undefined;
  #asked: Promise<void> = Promise.resolve();
  #hasLostServer = false;

  constructor(state: GreenplumState, status: AgentStatus, task: AgentTask) {
    this.#state = state;
    this.#status = status;
    this.#task = task;
  }

  /** Dumps to standard output, and returns the exit status; the output may still be on its way. */
  async dump(): Promise<number> {
    const { port, database } = this.#task;
    const client = await connectTo(port, database);
    const monitor = await connectTo(port, database);
    this.#monitor = monitor;
    for (const one of [client, monitor]) {
      one.on("error", () => {
        this.#hasLostServer = true;
      });
    }
    this.#status.info("Starting monitor thread", `Dumping database "${database}"...`);
    try {
      await this.#write(client);
      this.#status.info("Succeeded", "Finished successfully");
      await this.#notify("TASK_SUCCEED");
      return 0;
    } catch (error) {
      this.#tell(error as NodeJS.ErrnoException);
      await this.#notify("TASK_FAIL");
      return 1;
    } finally {
      await Promise.all([client.end(), monitor.end()]);
    }
  }

  /** Cancels what the agent's server does for it. Bytes that are on their way stay so. */
  cancel(): void {
    this.#status.info("in my_handler before PQrequestCancel");
    void this.#ask("select pg_cancel_backend($1)", [this.#backend]);
    this.#cancelled.abort();
  }

  async #write(client: pg.Client): Promise<void> {
    const backend = await client.query("select pg_backend_pid() as pid");
    this.#backend = backend.rows[0]?.pid;
    await client.query("begin isolation level repeatable read");
    const isCoordinator = this.#task.content === -1;
    for (const [kind, step] of isCoordinator ? coordinatorSteps : segmentSteps) {
      if (kind === "plain") this.#status.plain(step);
      else this.#status.info(step);
    }
    const tables = await findTables(client, this.#task);
    await lockTables(client, tables);
    if (isCoordinator) {
      this.#status.info(`Dumping CREATE DATABASE statement for database "${this.#task.database}"`);
      await writePostData(this.#state, this.#task, tables);
    }
    this.#status.info("TASK_SET_SERIALIZABLE", "TASK_GOTLOCKS");
    await this.#notify("TASK_GOTLOCKS");
    const text: DumpText = isCoordinator
      ? coordinatorText(this.#state, this.#task, tables)
      : segmentText(client, tables, (table) => {
          this.#last = table;
        });
    // A stream of its own: Node would write to the standard one while nothing else can happen.
    const output = createWriteStream("", { fd: 1 });
    const { signal } = this.#cancelled;
    const written = pipeline(Readable.from(held(text, this.#task.content)), output, { signal });
    // What is on its way may stay so for ever; to tell of the end need not wait for it.
    await Promise.race([written, rejectOnAbort(signal)]);
  }

  #tell(error: NodeJS.ErrnoException): void {
    if (error.code === "EPIPE") {
      this.#status.error("could not write to output file: Broken pipe");
    } else if (this.#cancelled.signal.aborted) {
      const reason = "ERROR:  canceling statement due to user request";
      this.#status.error("SQL command failed");
      this.#status.error(`Error message from server: ${reason}`);
      this.#status.error(
        `The command was: COPY ${this.#last?.name} (${this.#last?.columns.join(", ")}) TO stdout IGNORE EXTERNAL PARTITIONS;`,
      );
      this.#status.error(`*** aborted because of error: ${reason}\n`);
      this.#status.error(`*** aborted because of error: ${reason}\n`);
    } else if (!this.#hasLostServer) {
      // Of a server that has gone the real one says nothing.
      this.#status.error(`*** aborted because of error: ${error.message}`);
    }
  }

  async #notify(what: string): Promise<void> {
    await this.#ask("select pg_notify($1, $2)", [this.#task.channel, what]);
  }

  /** One after the other, and in vain if the server is gone. */
  async #ask(sql: string, values: readonly unknown[]): Promise<void> {
    const ask = async (): Promise<unknown> => await this.#monitor?.query(sql, [...values]);
    this.#asked = this.#asked.then(ask).then(
      () => {},
      () => {},
    );
    await this.#asked;
  }
}

type DumpText = AsyncIterable<string | Buffer>;

/** Compressed, too, so much is more than what is stored at once. */
const FIRST_PIECE_BYTES = 1024 * 1024;

/** What is given, with a pause in it for as long as the state wants one of this content. */
async function* held(text: DumpText, content: number): AsyncGenerator<string | Buffer, void, void> {
  let bytes = 0;
  for await (const piece of text) {
    yield piece;
    bytes += piece.length;
    if (bytes >= FIRST_PIECE_BYTES) await untilSettings(({ held }) => !held.includes(content));
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw signal.reason;
}
