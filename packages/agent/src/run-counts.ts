/** How a run ended at an agent: as it should, by whoever gave it up, or by its lease. */
export type RunEnding = "released" | "aborted" | "lease";

/** How a tool ended: with 0, with another status, by a signal. */
export type ToolResult = "ok" | "error" | "signal";

/** One of them is there. */
interface ToolEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

const RESULTS: readonly ToolResult[] = ["ok", "error", "signal"];

/** What the runs of an agent came to since its start. */
export class RunCounts {
  readonly #ended: Record<RunEnding, number> = { released: 0, aborted: 0, lease: 0 };
  readonly #exits: Map<string, Record<ToolResult, number>>;
  #toolsRunning = 0;

  /** `tools` are the names that can be started. */
  constructor(tools: readonly string[]) {
    this.#exits = new Map(tools.map((tool) => [tool, { ok: 0, error: 0, signal: 0 }]));
  }

  runEnded(how: RunEnding): void {
    this.#ended[how] += 1;
  }

  toolStarted(): void {
    this.#toolsRunning += 1;
  }

  toolExited(tool: string, { exitCode, signal }: ToolEnd): void {
    this.#toolsRunning -= 1;
    const exits = this.#exits.get(tool);
    if (exits === undefined) return;
    exits[signal !== undefined ? "signal" : exitCode === 0 ? "ok" : "error"] += 1;
  }

  get toolsRunning(): number {
    return this.#toolsRunning;
  }

  get ended(): Readonly<Record<RunEnding, number>> {
    return this.#ended;
  }

  /** One entry for each tool and result, also for what never happened. */
  get exits(): readonly {
    readonly tool: string;
    readonly result: ToolResult;
    readonly count: number;
  }[] {
    return [...this.#exits].flatMap(([tool, counts]) =>
      RESULTS.map((result) => ({ tool, result, count: counts[result] })),
    );
  }
}
