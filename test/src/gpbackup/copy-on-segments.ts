import pg from "pg";
import { SUPERUSER } from "../postgres/server.ts";
import { copyFromProgram, copyToProgram, type OpenCopy } from "./copy.ts";
import { databaseEnv } from "./environment.ts";
import { ANY_SEGMENT, ANY_TMP_DIR } from "./files.ts";
import { CopyProgram } from "./program.ts";
import { type ClusterState, hostOf, type Segment } from "./state.ts";

/** `COPY table TO|FROM PROGRAM 'command' WITH CSV ON SEGMENT`. */
export interface CopyStatement {
  readonly direction: "to" | "from";
  readonly database: string;
  /** With its columns, where they are given. */
  readonly table: string;
  /** In it `<SEGID>` and `<SEG_DATA_DIR>` are replaced for each segment. */
  readonly command: string;
}

/**
 * One COPY on every segment at once, committed on all or on none. It belongs to the database, not to who
 * asked for it: unless it is cancelled it goes on when that one has ended.
 */
export class CopyOnSegments {
  /** Rows of all segments; rejects with what Greenplum would report when every segment has ended. */
  readonly rows: Promise<number>;
  readonly #programs = new Map<number, CopyProgram>();
  readonly #state: ClusterState;
  readonly #statement: CopyStatement;
  readonly #cancelled = new Set<number | undefined>();

  constructor(state: ClusterState, statement: CopyStatement) {
    this.#state = state;
    this.#statement = statement;
    this.rows = this.#copy();
  }

  /**
   * Ends the program of one segment, and the COPY fails unless that has done its part before; or those of
   * all, and it fails.
   */
  cancel(content?: number): void {
    this.#cancelled.add(content); // also what has not been started yet
    for (const [key, program] of this.#programs) {
      if (content === undefined || key === content) program.cancel();
    }
  }

  /** Ends everything at once. */
  kill(): void {
    this.cancel();
    for (const program of this.#programs.values()) program.kill();
  }

  async #copy(): Promise<number> {
    const { segments } = this.#state;
    const results = await Promise.allSettled(segments.map((segment) => this.#copyOn(segment)));
    const done = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = results.findIndex(({ status }) => status === "rejected");
    const isGood = failed < 0 && !this.#cancelled.has(undefined);
    await Promise.all(done.map((copy) => finish(copy, isGood ? "commit" : "rollback")));
    const failure = results[failed];
    if (failure?.status === "rejected") throw failure.reason;
    if (!isGood) throw new Error("canceling statement due to user request (SQLSTATE 57014)");
    return done.reduce((sum, { rows }) => sum + rows, 0);
  }

  async #copyOn(segment: Segment): Promise<OpenCopy> {
    const { direction, database, table } = this.#statement;
    const client = await connect(segment, database);
    try {
      const copy = direction === "to" ? copyToProgram : copyFromProgram;
      return await copy(client, table, () => this.#start(segment));
    } catch (error) {
      client.connection.stream.destroy(); // it may be in the middle of a COPY that nobody reads
      throw this.#toSegmentError(segment, error);
    }
  }

  #start(segment: Segment): CopyProgram {
    const command = this.#statement.command
      .replaceAll(ANY_SEGMENT.content, `${segment.content}`)
      .replaceAll(ANY_SEGMENT.dataDir, segment.dataDir)
      .replaceAll(ANY_TMP_DIR, hostOf(this.#state, segment).tmpDir);
    const { direction, database } = this.#statement;
    const env = databaseEnv(this.#state, segment, database);
    const program = new CopyProgram(command, { cwd: segment.dataDir, env, direction });
    this.#programs.set(segment.content, program);
    // A later cancel must not reach who gets its process group's number next.
    void program.ended.then(() => this.#programs.delete(segment.content));
    if (this.#cancelled.has(undefined) || this.#cancelled.has(segment.content)) program.cancel();
    return program;
  }

  #toSegmentError({ content, port }: Segment, cause: unknown): Error {
    const { direction, table } = this.#statement;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (direction === "to") {
      return new Error(`ERROR: Error from segment ${content}: ERROR:  ${message}`, { cause });
    }
    const where = message.startsWith("COPY ") ? "" : `COPY ${table}, line 0: "": ERROR: `;
    return new Error(`${where}${message} (seg${content} 127.0.0.1:${port})`, { cause });
  }
}

/** A connection to the coordinator or a segment; the caller ends it. */
export async function connect({ socketDir, port }: Segment, database: string): Promise<pg.Client> {
  const client = new pg.Client({ host: socketDir, port, user: SUPERUSER, database });
  client.on("error", () => {}); // a lost connection shows in the next query
  await client.connect();
  return client;
}

async function finish({ client }: OpenCopy, statement: "commit" | "rollback"): Promise<void> {
  await client.query(statement);
  await client.end();
}
