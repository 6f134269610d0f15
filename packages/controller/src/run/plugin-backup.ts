import { PenstockError, type Receipt, raceAbort, toError } from "@penstock/common";
import { Direction, type PluginRequest } from "@penstock/proto";
import {
  type Evidence,
  type FoundText,
  fileKey,
  type HostFile,
  type PlannedStream,
  type PluginKey,
  type PluginUse,
} from "../producers/producer.ts";
import type { BackupStreams, StreamWatchers } from "./backup-streams.ts";
import type { RunContext } from "./context.ts";
import { preparePluginStream, prepareStray } from "./plugin-prepare.ts";
import type { PluginRestores } from "./plugin-restores.ts";
import type { Session } from "./session.ts";
import { storedText } from "./stored-text.ts";
import { toPluginSpec } from "./stream-specs.ts";

/** What a plugin's part of a backup is made of. */
export interface PluginBackupParts {
  readonly context: RunContext;
  readonly session: Session;
  readonly use: PluginUse;
  readonly streams: BackupStreams;
  readonly watchers: StreamWatchers;
  /** An incremental backup looks into earlier sets. */
  readonly restores: PluginRestores;
  /** Gets the names of the streams. */
  readonly names: Set<string>;
}

/** A process that waits for an answer. */
interface Waiting {
  readonly host: string;
  readonly request: PluginRequest;
}

/** What plugin processes have handed over. */
export interface HandedOver {
  readonly found: readonly HostFile[];
  /** The texts that are evidence, by `fileKey`. */
  readonly texts: Evidence["files"];
}

/**
 * The streams of a backup that nobody could plan: one for each plugin process that hands something
 * over. Each is stored and becomes visible by itself, and only then is its process told that all is
 * well; whether they are a set is for the end to say. The failure of any is the run's.
 */
export class PluginBackup {
  readonly #parts: PluginBackupParts;
  readonly #found: HostFile[] = [];
  readonly #texts: Record<string, FoundText> = {};
  readonly #storing: Set<Promise<void>> = new Set();
  readonly #last: PromiseWithResolvers<Waiting> = Promise.withResolvers();
  #sign: string | undefined;
  #strays: Promise<void> | undefined;

  constructor(parts: PluginBackupParts) {
    this.#parts = parts;
    this.#sign = parts.context.client?.sign;
  }

  /** Serves every plugin process of the run, from now on. */
  serve(): void {
    this.#parts.session.servePlugins((host, request) => {
      if (request.direction === Direction.DIRECTION_RESTORE) {
        void this.#parts.restores.serve(host, request);
        return;
      }
      const stored = this.#store(host, request).finally(() => this.#storing.delete(stored));
      this.#storing.add(stored);
      this.#parts.session.guardStream(stored);
    });
  }

  /** What a tool of somebody else hands over last has arrived. */
  async lastHanded(): Promise<void> {
    await raceAbort(this.#last.promise, this.#parts.session.signal);
  }

  /**
   * The set is committed: whoever has handed over the last, and is not our tool, is told so, however
   * long it takes to reach its agent. Never throws: the set stays, and the agent says the same when the
   * run is released.
   */
  async committed(): Promise<void> {
    if (this.#parts.context.client === undefined) return;
    const { host, request } = await this.#last.promise;
    await this.#answer(host, request, "").catch(() => {});
  }

  /** After the tool's end, or `lastHanded`: resolves when everything is stored. */
  async settled(): Promise<HandedOver> {
    while (this.#storing.size > 0) {
      await raceAbort(Promise.all(this.#storing), this.#parts.session.signal);
    }
    return { found: this.#found, texts: this.#texts };
  }

  async #store(host: string, request: PluginRequest): Promise<void> {
    const { session, use, context } = this.#parts;
    const handed = { host, path: request.key };
    try {
      const key = use.parse(request.key);
      if (!(await this.#isOurs(key, host, request))) return;
      const receipt = await this.#move(use.toStream(handed), request.id);
      if (key.isEvidence) {
        const text = await storedText(context, receipt, session.signal);
        this.#texts[fileKey(handed)] = { text, modifiedMs: Date.now() };
      }
      this.#found.push(handed);
      if (key.isLast) this.#last.resolve({ host, request });
      if (key.isLast && context.client !== undefined) return; // it hears when the set is committed
      await this.#answer(host, request, "");
    } catch (error) {
      this.#answer(host, request, toError(error).message).catch(() => {}); // the abort tells it, too
      throw error;
    }
  }

  /**
   * False for what belongs to a backup of somebody else, who is told so. Throws `failed` if it has
   * come before.
   */
  async #isOurs(key: PluginKey, host: string, request: PluginRequest): Promise<boolean> {
    this.#sign ??= key.sign;
    if (key.sign !== this.#sign) {
      const why = `plan ${this.#parts.context.plan} is busy with the backup of ${this.#sign}`;
      await this.#answer(host, request, refused(key, host, why).message);
      return false;
    }
    const { names, session, use } = this.#parts;
    if (names.has(key.stream)) throw refused(key, host, "it has been handed over already");
    names.add(key.stream);
    this.#strays ??= prepareStray(session, use.strayOf(key.sign));
    await this.#strays;
    return true;
  }

  async #move(planned: PlannedStream, id: bigint): Promise<Receipt> {
    const { session, streams, watchers, context } = this.#parts;
    const codec = planned.codec ?? context.codec;
    const direction = Direction.DIRECTION_BACKUP;
    const spec = toPluginSpec(planned, { direction, codec, id, answerLater: true });
    const address = await preparePluginStream(session, planned.host, spec);
    const at = new Map([[planned.name, address]]);
    const [stream] = await streams.attach([planned], at, watchers);
    await stream?.settle(null);
    void stream?.close(); // there may be thousands, and each holds a connection
    if (stream?.receipt === undefined) throw new PenstockError("internal", "it has no receipt");
    return stream.receipt;
  }

  async #answer(host: string, { id }: PluginRequest, error: string): Promise<void> {
    const { ref, signal } = this.#parts.session;
    const answer = { ref, id, error };
    await this.#parts.session
      .held(host)
      .call((agent) => agent.answerPlugin(answer, signal), signal);
  }
}

function refused({ stream }: PluginKey, host: string, why: string): PenstockError {
  return new PenstockError("failed", `stream ${stream} of ${host}: ${why}`);
}
