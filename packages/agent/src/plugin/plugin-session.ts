import { PenstockError } from "@penstock/common";
import { Direction } from "@penstock/proto";
import type { EventLog } from "../event-log.ts";
import type { StreamPlan } from "../stream-plan.ts";
import type { PluginConnection } from "./plugin-connection.ts";
import { PluginJob } from "./plugin-job.ts";
import { PluginPurpose } from "./plugin-purpose.ts";
import type { SetupRequest, StreamRequest } from "./plugin-request.ts";
import type { PluginReceiver } from "./plugin-sessions.ts";

/** What a stream says of the process that it is to serve. */
type PluginStreamPlan = Pick<StreamPlan, "name" | "pluginRequest" | "direction" | "codec">;

/** The plugin processes of one run: each is a job with a number, which the controller hears of. */
export class PluginSession implements PluginReceiver {
  readonly purpose: PluginPurpose;
  readonly #run: string;
  readonly #events: EventLog;
  readonly #jobs: Map<number, PluginJob> = new Map();
  #lastId = 0;
  #ending: PenstockError | undefined;

  constructor(owner: { readonly run: string; readonly plan: string }, events: EventLog) {
    this.purpose = new PluginPurpose(owner);
    this.#run = owner.run;
    this.#events = events;
  }

  setUp(request: SetupRequest): void {
    if (this.#ending !== undefined) throw this.#ending;
    this.purpose.admit(request);
  }

  receive(request: StreamRequest, connection: PluginConnection): void {
    if (this.#ending !== undefined) throw this.#ending;
    this.#lastId += 1;
    const job = new PluginJob(this.#lastId, request, connection);
    this.#jobs.set(job.id, job);
    void this.#forget(job);
    const { key, ranges } = job;
    const value = {
      ...{ id: BigInt(job.id), key, direction: DIRECTIONS[job.direction] },
      ranges: ranges.map(({ start, end }) => ({ start: BigInt(start), end: BigInt(end) })),
    };
    this.#events.add({ $case: "pluginRequest", value }, { isOneOfMany: true });
  }

  /**
   * The job that a stream is to serve. Throws `not_found` if its process does not wait any more, `usage`
   * if it wants the other direction, or ranges of a stream that only can be had whole.
   */
  jobFor({ name, pluginRequest, direction, codec }: PluginStreamPlan): PluginJob {
    const job = this.#jobs.get(pluginRequest);
    const request = `request ${pluginRequest} of a plugin process`;
    if (job?.state !== "waiting") {
      throw new PenstockError("not_found", `stream ${name}: ${request} does not wait any more`);
    }
    if (job.direction !== direction) {
      throw new PenstockError("usage", `stream ${name}: ${request} is a ${job.direction}`);
    }
    if (job.ranges.length === 0 || codec === "none") return job;
    throw new PenstockError(
      "usage",
      `stream ${name}: ${request} wants ranges, so bytes as they are`,
    );
  }

  /** See AnswerPlugin in agent.proto. Throws `usage` for an answer that cannot be; see also `approve`. */
  async answer(id: number, error: string): Promise<void> {
    if (id < 1 || id > this.#lastId) {
      throw new PenstockError("usage", `there was no request ${id} of a plugin process`);
    }
    const job = this.#jobs.get(id);
    if (job === undefined || job.state === "over") return;
    if (error === "") await job.approve();
    else job.fail(new PenstockError("failed", error));
  }

  /** The run has ended well: what is durable was wanted. */
  release(): void {
    const error = this.#close(`run ${this.#run} has ended`);
    for (const job of this.#jobs.values()) job.release(error);
  }

  /** The run is being stopped: whoever waits hears why at once. */
  abort(reason: string): void {
    const error = this.#close(`run ${this.#run} was stopped: ${reason}`);
    for (const job of this.#jobs.values()) job.abort(error);
  }

  #close(message: string): PenstockError {
    this.#ending = new PenstockError("failed", message);
    return this.#ending;
  }

  async #forget(job: PluginJob): Promise<void> {
    if (await job.connection.heard) await job.connection.closed;
    else job.connection.destroy();
    this.#jobs.delete(job.id);
  }
}

const DIRECTIONS = {
  backup: Direction.DIRECTION_BACKUP,
  restore: Direction.DIRECTION_RESTORE,
} as const;
