import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { BackendCall } from "./backend-client.ts";
import { connectTo, type Instance } from "./catalogue.ts";
import { agentKey, launchFolder, toLaunch } from "./dump-launch.ts";
import { instanceFileName } from "./file-names.ts";
import type { GpDumpOptions } from "./gp-dump-options.ts";
import { type GreenplumState, untilSettings } from "./state.ts";

/** How an instance's dump went, as gp_dump sees it. */
export type Result =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed" | "errors"; readonly text: string };

/** gp_dump's thread for one instance: has the agent started, and listens to what it notifies. */
export class DumpWatch {
  readonly instance: Instance;
  /** Resolves when the backend has answered and the agent has its locks, or never will. */
  readonly launched: Promise<void>;
  readonly result: Promise<Result>;
  readonly #options: GpDumpOptions;
  readonly #state: GreenplumState;

  constructor(state: GreenplumState, options: GpDumpOptions, instance: Instance) {
    this.#state = state;
    this.#options = options;
    this.instance = instance;
    const hasLocks = Promise.withResolvers<void>();
    this.result = this.#watch(hasLocks.resolve);
    this.launched = Promise.race([hasLocks.promise, this.result.then(() => {})]);
  }

  async #watch(hasLocks: () => void): Promise<Result> {
    const client = await connectTo(this.instance.port, this.#options.database);
    const said = this.#listen(client);
    await client.query(`listen "${agentKey(this.#options, this.instance)}"`);
    const call = await BackendCall.start(
      this.#state.backendSocket,
      toLaunch(this.#options, this.instance),
    );
    await call.answer; // of the coordinator: after all of its streams, however long that takes
    void said.locks.then(hasLocks);
    const result = await Promise.race([said.result, this.#death()]);
    await client.end();
    return result;
  }

  #listen(client: pg.Client) {
    const locks = Promise.withResolvers<void>();
    const result = Promise.withResolvers<Result>();
    client.on("notification", ({ payload }) => {
      if (payload === "TASK_GOTLOCKS") locks.resolve();
      if (payload === "TASK_SUCCEED") result.resolve({ kind: "succeeded" });
      if (payload === "TASK_FAIL") {
        result.resolve(this.#errors().then((text) => ({ kind: "failed", text })));
      }
    });
    client.on("end", () => {
      const { key } = this.#options.names;
      const { content, dbid } = this.instance;
      const role = content === -1 ? 1 : 0;
      const text = `connection went down for backup key ${key}, role ${role}, dbid ${dbid}`;
      result.resolve({ kind: "errors", text });
    });
    return { locks: locks.promise, result: result.promise };
  }

  /** Resolves once the state wants the agent taken for dead; the real gp_dump looks at the clock. */
  async #death(): Promise<Result> {
    const { content, dbid, host } = this.instance;
    await untilSettings(({ dead }) => dead.includes(content));
    return {
      kind: "failed",
      text: `Lost response from dump agent with dbid ${dbid} on host ${host} after 10 minutes.`,
    };
  }

  /** The lines of the status file that tell what went wrong. */
  async #errors(): Promise<string> {
    const name = instanceFileName(this.#options.names, "gp_dump_status", this.instance);
    const path = join(launchFolder(this.#options, this.instance), name);
    const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
    return lines.filter((line) => /ERROR/.test(line)).join("\n");
  }
}
