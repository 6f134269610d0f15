import { type Clock, PenstockError } from "@penstock/common";
import type { AgentClient } from "./agent-client.ts";
import type { ElsewhereSession } from "./elsewhere.ts";
import type { HeldRun } from "./held-run.ts";

/** For tests: a clock whose time passes only while somebody waits for it. */
export class PatientClock implements Clock {
  #nowMs = 0;
  readonly #looks: Set<() => void> = new Set();

  nowMs(): number {
    return this.#nowMs;
  }

  /** Others have their turn first. */
  async delay(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    this.pass(ms);
  }

  /** Lets time pass. What is to be done again and again is done once. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const look of this.#looks) look();
  }

  after(): Disposable {
    throw new Error("nobody needs it yet");
  }

  every(_ms: number, action: () => void): Disposable {
    this.#looks.add(action);
    return { [Symbol.dispose]: () => void this.#looks.delete(action) };
  }
}

type Asked = "endStreams" | "findFiles" | "readFile" | "renewLease";

/** For tests: a session whose agents have some files and pipes, and remember what they were asked for. */
export class SessionInMemory implements ElsewhereSession {
  readonly ref: ElsewhereSession["ref"] = { run: "20260101000000", token: Buffer.alloc(32) };
  /** Regular files, as `HOST:PATH`. */
  readonly files: Set<string> = new Set();
  /** `HOST:WHAT`, with names or paths. */
  readonly asked: string[] = [];
  readonly missed: Map<string, PenstockError> = new Map();
  readonly #abort = new AbortController();
  readonly #openings: Map<string, PromiseWithResolvers<void>> = new Map();
  #onAsked: (host: string, what: Asked) => void = () => {};

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  fail(reason: unknown): void {
    this.#abort.abort(reason);
  }

  guard(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.fail(error));
  }

  miss(stream: string, error: PenstockError): void {
    this.missed.set(stream, error);
  }

  /** Somebody opens a pipe. */
  open(stream: string): void {
    this.#opening(stream).resolve();
  }

  /** Something happens when an agent is asked. */
  onAsked(action: (host: string, what: Asked) => void): void {
    this.#onAsked = action;
  }

  held(host: string): Pick<HeldRun, "agent" | "call" | "streamOpened"> {
    const agent = this.#agentOf(host) as AgentClient;
    return {
      agent,
      call: (action) => action(agent),
      streamOpened: (stream) => this.#opening(stream).promise,
    };
  }

  #agentOf(host: string): Pick<AgentClient, Asked> {
    const ask = (what: Asked, names: readonly string[]): Promise<void> => {
      this.asked.push([`${host}:${what}`, ...names].join(" "));
      this.#onAsked(host, what);
      return Promise.resolve();
    };
    const there = (path: string): boolean => this.files.has(`${host}:${path}`);
    return {
      endStreams: ({ names }) => ask("endStreams", names),
      renewLease: () => ask("renewLease", []),
      findFiles: async (_ref, paths) => {
        await ask("findFiles", paths);
        return paths.filter(there).map((path) => ({ path, bytes: 1n, modifiedMs: 0n }));
      },
      readFile: async (_ref, path) => {
        await ask("readFile", [path]);
        if (!path.startsWith("/b/")) throw new PenstockError("usage", `${path} is outside`);
        if (!there(path)) throw new PenstockError("not_found", `${path} is not there`);
        return { data: Buffer.from("text"), modifiedMs: 0n };
      },
    };
  }

  #opening(stream: string): PromiseWithResolvers<void> {
    const opening = this.#openings.get(stream) ?? Promise.withResolvers<void>();
    this.#openings.set(stream, opening);
    return opening;
  }
}
