import { PenstockError } from "@penstock/common";
import type { GroupWatch } from "./run-keepers.ts";
import { startTool, type Tool } from "./tool.ts";
import type { ToolSpec } from "./tool-spec.ts";

/** The tools that a run has started. Once it is being stopped, no other can be started. */
export class RunTools {
  readonly #watch: GroupWatch;
  readonly #started: Map<string, Promise<Tool>> = new Map();
  #stopping = false;

  constructor(watch: GroupWatch) {
    this.#watch = watch;
  }

  /**
   * Starts a tool under an id that no tool of this run has had. `makeSpec` may open descriptors: it is
   * called only when nothing stands in the way.
   */
  async start(id: string, makeSpec: () => ToolSpec): Promise<Tool> {
    if (this.#stopping) throw new PenstockError("not_found", "the run has ended");
    if (this.#started.has(id)) throw new PenstockError("usage", `tool ${id} was started before`);
    const started = startTool(makeSpec(), this.#watch);
    this.#started.set(id, started);
    return await started;
  }

  /** Stops all that have been started or are being started; throws if one does not die. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const never = new AbortController().signal;
    const stopped = [...this.#started.values()].map(async (started) => {
      const tool = await started.catch(() => undefined); // whoever started it was told
      await tool?.stop(never);
    });
    const outcomes = await Promise.allSettled(stopped);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }
}
