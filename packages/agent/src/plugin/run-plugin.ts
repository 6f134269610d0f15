import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PenstockError, toPenstockError } from "@penstock/common";
import type { PluginSession as SessionRequest } from "@penstock/proto";
import type { EventLog } from "../event-log.ts";
import { canonicalPath, type MadeRecord } from "../made.ts";
import { pluginConfigText } from "./plugin-config.ts";
import { PluginSession } from "./plugin-session.ts";
import type { PluginSessions } from "./plugin-sessions.ts";

/** Where the plugin processes of a host connect, and what is told of it to gpbackup. */
export interface PluginPlace {
  /** Path of the socket; "" if there is none. */
  readonly socket: string;
  /** Path of the plugin. */
  readonly executable: string;
  readonly sessions: PluginSessions;
}

/** What a run has of its agent for this. */
interface Surroundings {
  readonly stateDirectory: string;
  readonly plugin: PluginPlace;
}

/** The plugin's side of a run: its processes, from `open` on, and their configuration file. */
export class RunPlugin {
  readonly session: PluginSession;
  readonly #run: string;
  readonly #plan: string;
  readonly #around: Surroundings;
  readonly #record: MadeRecord;
  #config: Promise<string> | undefined;
  #isClosed = false;

  constructor(
    { run, plan }: { readonly run: string; readonly plan: string },
    around: Surroundings,
    record: MadeRecord,
    events: EventLog,
  ) {
    this.session = new PluginSession({ run, plan }, events);
    this.#run = run;
    this.#plan = plan;
    this.#around = around;
    this.#record = record;
  }

  /**
   * See PluginSession in agent.proto. Returns the path of the configuration file, "" if none is wanted.
   * Repeating it is harmless. Throws `usage` if this agent has no socket, `not_found` once the run ends.
   */
  async open(
    { writeConfig, ...purpose }: SessionRequest,
    { checkOnly }: { readonly checkOnly: boolean },
  ): Promise<string> {
    const { socket, sessions } = this.#around.plugin;
    if (socket === "") {
      throw new PenstockError("usage", "this agent serves no plugin processes", {
        hint: "remove plugin: off from its configuration",
      });
    }
    if (checkOnly) return "";
    if (this.#isClosed) throw new PenstockError("not_found", `run ${this.#run} has ended`);
    this.session.purpose.state(purpose);
    sessions.add(this.#plan, this.session);
    if (!writeConfig) return "";
    this.#config ??= this.#write();
    return await this.#config;
  }

  /** Resolves when nothing is being written, and the run is over: what was written stands in the journal. */
  async settled(): Promise<void> {
    await this.#config?.catch(() => {}); // told to whoever wanted it
  }

  /** The run has ended well. */
  release(): void {
    this.#close();
    this.session.release();
  }

  /** The run is being stopped. */
  abort(reason: string): void {
    this.#close(`run ${this.#run} of it was stopped: ${reason}`);
    this.session.abort(reason);
  }

  #close(stopped?: string): void {
    this.#isClosed = true;
    this.#around.plugin.sessions.remove(this.#plan, this.session, stopped);
  }

  async #write(): Promise<string> {
    const { stateDirectory, plugin } = this.#around;
    const path = join(stateDirectory, `penstock-${this.#run}.yaml`);
    try {
      await this.#record.record([{ kind: "temporary", path: await canonicalPath(path) }]);
      await writeFile(path, pluginConfigText({ ...plugin, plan: this.#plan }), { mode: 0o600 });
      return path;
    } catch (error) {
      throw toPenstockError(error, `write file ${path}`);
    }
  }
}
