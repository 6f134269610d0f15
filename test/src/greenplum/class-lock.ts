import { existsSync } from "node:fs";
import type pg from "pg";
import { connectTo } from "./catalogue.ts";

/** The lock that keeps others from changing a database's schema while its dump begins. */
export class ClassLock implements AsyncDisposable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async take(port: number, database: string): Promise<ClassLock> {
    const client = await connectTo(port, database);
    await client.query("begin; lock table pg_catalog.pg_class in exclusive mode");
    return new ClassLock(client);
  }

  /** Gives the lock back once a file is there, and says so. */
  releaseWhenThere(path: string, everyMs: number, tell: () => void): { stop(): void } {
    const timer = setInterval(() => {
      if (!existsSync(path)) return;
      clearInterval(timer);
      tell();
      void this.#release();
    }, everyMs);
    return { stop: () => clearInterval(timer) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }

  async #release(): Promise<void> {
    await this.#client.query("commit").catch(() => {}); // the session is over, and so is its lock
  }
}
