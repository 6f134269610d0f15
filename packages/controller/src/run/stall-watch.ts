import {
  CHUNK_BYTES,
  type Clock,
  formatDuration,
  PenstockError,
  systemClock,
} from "@penstock/common";
import type { WaitingFor } from "../mover/jobs.ts";

const LOOKS_PER_TIMEOUT = 10;
const LONGEST_PAUSE_MS = 1_000;

/** What is watched, and what is done when it stands still. */
export interface StallOptions {
  readonly direction: "backup" | "restore";
  /** The run's name. */
  readonly run: string;
  readonly timeoutMs: number;
  /** Where the bytes are stored, for the message. */
  readonly targets: readonly string[];
  /** Its pace in bytes per second: a stream that goes slowly by our own will does not stand still. */
  readonly rateOf: (stream: string) => number | undefined;
  readonly fail: (error: PenstockError) => void;
  readonly clock?: Clock;
}

interface Watched {
  readonly name: string;
  readonly host: string;
  readonly whileItWaits: string | undefined;
  hasMoved: boolean;
  /** Its pipe has somebody at its other end: it need not have moved as much as is stored at once. */
  isOpen: boolean;
  /** Nobody has to write anything more to it. */
  mayBeSilent: boolean;
  waitingFor: WaitingFor;
  /** Since when nothing has moved, or it waits for this one. */
  sinceMs: number;
  /** The tool that writes or reads it is gone since then, and what it has left may be silent so long. */
  toolGone: { readonly sinceMs: number; readonly graceMs: number } | undefined;
}

interface RunningTool {
  readonly name: string;
  readonly host: string;
  readonly streams: ReadonlySet<string>;
  /** Since its start, or the end of one of its streams. */
  sinceMs: number;
}

/**
 * Ends a run that stands still: a database whose dump waits may hold its locks for ever. A network or
 * a target is given up when one stream has waited for it for the whole timeout; a tool only when none
 * of its streams has moved for as long, since it may well write them one after another.
 */
export class StallWatch implements Disposable {
  readonly #options: StallOptions;
  readonly #clock: Clock;
  readonly #streams = new Map<string, Watched>();
  readonly #tools = new Set<RunningTool>();
  readonly #timer: Disposable;

  constructor(options: StallOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const pauseMs = Math.min(options.timeoutMs / LOOKS_PER_TIMEOUT, LONGEST_PAUSE_MS);
    this.#timer = this.#clock.every(pauseMs, () => this.#look());
  }

  /** Watches a stream from now on, until it is `finished`; see `PlannedStream.whileItWaits`. */
  attached(name: string, host: string, whileItWaits?: string): void {
    const sinceMs = this.#clock.nowMs();
    const still = { hasMoved: false, isOpen: false, mayBeSilent: false, toolGone: undefined };
    const about = { name, host, whileItWaits };
    this.#streams.set(name, { ...about, ...still, waitingFor: "nobody", sinceMs });
  }

  /** Its tool has opened its pipe. */
  opened(name: string): void {
    const stream = this.#streams.get(name);
    if (stream === undefined || stream.isOpen) return;
    stream.isOpen = true;
    stream.sinceMs = this.#clock.nowMs();
  }

  moved(name: string): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    stream.hasMoved = true;
    stream.isOpen = true;
    stream.sinceMs = this.#clock.nowMs();
  }

  waiting(name: string, waitingFor: WaitingFor): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    // That the tool is waited for is told late; its silence counts from the last byte.
    if (waitingFor !== "tool") stream.sinceMs = this.#clock.nowMs();
    stream.waitingFor = waitingFor;
  }

  finished(name: string): void {
    const nowMs = this.#clock.nowMs();
    for (const tool of this.#tools) if (tool.streams.has(name)) tool.sinceMs = nowMs;
    this.#streams.delete(name);
  }

  /** Watches a tool until what is returned is disposed of. A set of streams may grow meanwhile. */
  running(
    name: string,
    host: string,
    streams: readonly string[] | ReadonlySet<string>,
  ): Disposable {
    const own = streams instanceof Set ? streams : new Set(streams);
    const tool = { name, host, streams: own, sinceMs: this.#clock.nowMs() };
    this.#tools.add(tool);
    return { [Symbol.dispose]: () => void this.#tools.delete(tool) };
  }

  /** Those who write these streams have no need to, from now on, until the tool has ended. */
  mayBeSilent(names: readonly string[]): void {
    for (const name of names) {
      const stream = this.#streams.get(name);
      if (stream !== undefined) stream.mayBeSilent = true;
    }
  }

  /** For how long none of those of these that go on has moved; without one for ever. */
  quietForMs(names: readonly string[]): number {
    const since = names.map((name) => this.#streams.get(name)?.sinceMs ?? Number.NEGATIVE_INFINITY);
    return this.#clock.nowMs() - Math.max(...since);
  }

  /**
   * The tool of these streams has ended. What it has left behind may go on, but no longer than this
   * without a byte. An agent sees to the streams of its own tools; these are of others.
   */
  toolEnded(names: readonly string[], graceMs: number): void {
    const toolGone = { sinceMs: this.#clock.nowMs(), graceMs };
    for (const name of names) {
      const stream = this.#streams.get(name);
      if (stream !== undefined) stream.toolGone = toolGone;
    }
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #look(): void {
    const streams = [...this.#streams.values()].map((stream) => this.#ofStream(stream));
    const tools = [...this.#tools].map((tool) => this.#ofTool(tool));
    const message = [...streams, ...tools].find((found) => found !== undefined);
    if (message === undefined) return;
    this[Symbol.dispose]();
    const hint = `whoever waits may hold locks of the database; what the tool has said: penstock logs ${this.#options.run}`;
    this.#options.fail(new PenstockError("failed", message, { hint }));
  }

  /** What is to be said of a stream that stands still, other than through a tool of ours. */
  #ofStream(stream: Watched): string | undefined {
    const { name, host, waitingFor, sinceMs, isOpen, mayBeSilent } = stream;
    const leftOpen = this.#ofLeftOpen(stream);
    if (leftOpen !== undefined) return leftOpen;
    if (!this.#isOver(sinceMs + this.#pauseMs(name))) return undefined;
    switch (waitingFor) {
      case "network":
        return this.#said(stream, `the network to ${host} has moved nothing`);
      case "target":
        return this.#said(stream, `target ${this.#targets} has ${this.#verbs.target} nothing`);
      case "tool": {
        const isOurs = [...this.#tools].some((tool) => tool.streams.has(name));
        // A pipe of others may be opened late.
        if (isOurs || !isOpen || mayBeSilent) return undefined;
        return this.#said(stream, `the other end has ${this.#verbs.tool} nothing`);
      }
      case "nobody":
        return undefined;
    }
  }

  /** A pipe that was never opened is seen to by others. */
  #ofLeftOpen({ name, host, waitingFor, sinceMs, isOpen, toolGone }: Watched): string | undefined {
    if (toolGone === undefined || waitingFor !== "tool" || !isOpen) return undefined;
    const { graceMs } = toolGone;
    if (this.#clock.nowMs() - Math.max(sinceMs, toolGone.sinceMs) < graceMs) return undefined;
    const duration = formatDuration(graceMs);
    return `stream ${name} of ${host}: its pipe is still held open ${duration} after its tool has ended`;
  }

  #ofTool({ name, host, streams, sinceMs }: RunningTool): string | undefined {
    const open = [...this.#streams.values()].filter((stream) => streams.has(stream.name));
    const latestMs = Math.max(sinceMs, ...open.map((stream) => stream.sinceMs));
    if (!this.#isOver(latestMs) || open.some(({ waitingFor }) => waitingFor !== "tool")) {
      return undefined;
    }
    const [first] = open;
    if (first !== undefined) {
      const nothing = first.hasMoved ? "nothing" : "nothing at all";
      return this.#said(first, `${name} has ${this.#verbs.tool} ${nothing}`);
    }
    if (this.#options.direction === "restore") return undefined; // it has it all, and works on it
    if (streams.size === 0) return `${name} on ${host} has not ended for ${this.#timeout}`;
    return `${name} on ${host} has not ended ${this.#timeout} after its last byte`;
  }

  #said({ name, host, whileItWaits }: Watched, what: string): string {
    const held = whileItWaits === undefined ? "" : `; as long as it waits it holds ${whileItWaits}`;
    return `stream ${name} of ${host}: ${what} for ${this.#timeout}${held}`;
  }

  /** How long its pace may keep it from sending anything. */
  #pauseMs(stream: string): number {
    const rate = this.#options.rateOf(stream);
    return rate === undefined ? 0 : (2 * CHUNK_BYTES * 1000) / rate;
  }

  #isOver(sinceMs: number): boolean {
    return this.#clock.nowMs() - sinceMs >= this.#options.timeoutMs;
  }

  get #timeout(): string {
    return formatDuration(this.#options.timeoutMs);
  }

  get #targets(): string {
    return this.#options.targets.join(", ");
  }

  get #verbs(): { readonly tool: string; readonly target: string } {
    if (this.#options.direction === "backup") return { tool: "written", target: "taken" };
    return { tool: "read", target: "given" };
  }
}
