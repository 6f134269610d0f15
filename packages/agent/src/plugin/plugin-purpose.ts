import { PenstockError } from "@penstock/common";
import { Direction, type PluginSession as SessionRequest } from "@penstock/proto";
import type { SetupRequest } from "./plugin-request.ts";

/** What the plugin processes of a run are there for: one gpbackup, or one gprestore. */
export class PluginPurpose {
  readonly #run: string;
  readonly #plan: string;
  readonly #sinceMs: number = Date.now();
  #kind: SetupRequest["kind"] | undefined;
  #timestamp: string | undefined;

  constructor({ run, plan }: { readonly run: string; readonly plan: string }) {
    this.#run = run;
    this.#plan = plan;
  }

  /** As the controller says it; what it leaves open is decided by the first setup. */
  state({ direction, timestamp }: Pick<SessionRequest, "direction" | "timestamp">): void {
    this.#kind = KINDS[direction] ?? this.#kind;
    this.#timestamp = timestamp || this.#timestamp;
  }

  /** Takes a setup for what the run is there for. Throws `locked` for any other, with what that is. */
  admit({ kind, timestamp }: SetupRequest): void {
    const isOther = kind !== (this.#kind ?? kind) || timestamp !== (this.#timestamp ?? timestamp);
    if (isOther) throw this.#locked();
    this.#kind = kind;
    this.#timestamp = timestamp;
  }

  #locked(): PenstockError {
    const what = `${this.#kind ?? "run"} of ${this.#timestamp ?? "another timestamp"}`;
    const since = new Date(this.#sinceMs).toISOString();
    const message = `plan ${this.#plan} is in use by the ${what} since ${since} (run ${this.#run})`;
    return new PenstockError("locked", message, {
      hint: "wait for it to end, or name another plan in the plugin's configuration",
    });
  }
}

const KINDS: Readonly<Partial<Record<Direction, SetupRequest["kind"]>>> = {
  [Direction.DIRECTION_BACKUP]: "backup",
  [Direction.DIRECTION_RESTORE]: "restore",
};
