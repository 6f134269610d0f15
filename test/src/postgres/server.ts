import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Child } from "../harness/child.ts";
import type { PostgresBinaries } from "./binaries.ts";

/** The superuser of every server; nobody needs a password. */
export const SUPERUSER = "postgres";

/** What to start. */
export interface PostgresOptions {
  /** For messages. */
  readonly name: string;
  /** The server's own folder: made by us, removed with the server. Any user may enter its parent. */
  readonly dir: string;
  readonly binaries: PostgresBinaries;
  /** A folder made by `createTemplate`. */
  readonly template: string;
}

/** A running server. Disposing of it stops it and removes its data. */
export class PostgresServer implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** Where its Unix socket is: its own folder. */
  readonly socketDir: string;
  readonly #child: Child;

  constructor({ name, dir }: PostgresOptions, port: number, child: Child) {
    this.name = name;
    this.port = port;
    this.socketDir = dir;
    this.#child = child;
  }

  /** What a client program based on libpq needs in its environment. */
  get clientEnv(): Readonly<Record<string, string>> {
    return { PGHOST: "127.0.0.1", PGPORT: String(this.port), PGUSER: SUPERUSER };
  }

  /** A new connection; the caller ends it. */
  async connect(database: string = SUPERUSER): Promise<pg.Client> {
    // By its socket, since a port may turn out to be another server's.
    const { socketDir: host, port } = this;
    const client = new pg.Client({ host, port, user: SUPERUSER, database });
    client.on("error", () => {}); // a lost connection shows in the next query
    await client.connect();
    return client;
  }

  /** Runs `use` with a connection to a database and ends the connection. */
  async withClient<T>(database: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await this.connect(database);
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  /** Makes an empty database. */
  async createDatabase(database: string): Promise<void> {
    await this.withClient(SUPERUSER, async (client) => {
      await client.query(`create database ${pg.escapeIdentifier(database)}`);
    });
  }

  /** Stops the server at once and removes its data. Repeating it is harmless. */
  async stop(): Promise<void> {
    await this.#child.stop();
    await rm(this.socketDir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves when a connection succeeds; throws if the server has ended before. */
  async untilReady(signal: AbortSignal): Promise<void> {
    while (this.#child.isRunning) {
      signal.throwIfAborted();
      const client = await this.connect().catch(() => undefined);
      if (client) return await client.end();
      await delay(20, undefined, { signal });
    }
    throw new Error(
      `${this.name} does not start: ${(await this.#child.outcome).stderr.slice(-2000)}`,
    );
  }
}
