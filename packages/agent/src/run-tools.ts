import { isDeepStrictEqual } from "node:util";
import { PenstockError } from "@penstock/common";
import type { StartToolRequest } from "@penstock/proto";
import type { GroupWatch } from "./run-keepers.ts";
import { startTool, type Tool } from "./tool.ts";
import type { ToolSpec } from "./tool-spec.ts";

/** A tool that was asked for, and what became of it. */
interface Started {
  readonly request: StartToolRequest;
  readonly tool: Promise<Tool>;
}

/** The tools that a run has started. Once it is being stopped, no other can be started. */
export class RunTools {
  readonly #watch: GroupWatch;
  readonly #started: Map<string, Started> = new Map();
  #stopping = false;

  constructor(watch: GroupWatch) {
    this.#watch = watch;
  }

  /**
   * Starts a tool. If its id was used before, for an equal request, nothing is started: the outcome is
   * the first one's; for another request it throws `usage`. `makeSpec` may open descriptors: it is
   * called only when nothing stands in the way. `onStarted` is called once for each process.
   */
  async start(
    request: StartToolRequest,
    makeSpec: () => ToolSpec,
    onStarted: (tool: Tool) => void,
  ): Promise<Tool> {
    if (this.#stopping) throw new PenstockError("not_found", "the run has ended");
    const earlier = this.#earlier(request);
    if (earlier !== undefined) return await earlier.tool;
    const started = startTool(makeSpec(), this.#watch);
    this.#started.set(request.toolId, { request, tool: started });
    const tool = await started;
    onStarted(tool);
    return tool;
  }

  /** Stops all that have been started or are being started; throws if one does not die. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const never = new AbortController().signal;
    const stopped = [...this.#started.values()].map(async (started) => {
      const tool = await started.tool.catch(() => undefined); // whoever started it was told
      await tool?.stop(never);
    });
    const outcomes = await Promise.allSettled(stopped);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  #earlier(request: StartToolRequest): Started | undefined {
    const started = this.#started.get(request.toolId);
    if (started === undefined || isDeepStrictEqual(started.request, request)) return started;
    throw new PenstockError(
      "usage",
      `tool ${request.toolId} was started before, by another request`,
    );
  }
}
