import { type Channel, DialingSource, hasCode, PenstockError, toError } from "@penstock/common";
import type { AgentLink, JobEvents } from "@penstock/controller/simulation";
import { type AgentHost, LEASE_MS } from "./agent-host.ts";
import type { Network } from "./network.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

const ASK_EVERY_MS = 1_000;

/** What a controller has to do with an agent beside the stream: lease, tool, end of the run. */
export class Controller {
  readonly process: VirtualProcess;
  readonly #world: World;
  readonly #network: Network;
  readonly #host: AgentHost;
  readonly #stop: AbortController = new AbortController();
  readonly #toolEnd: PromiseWithResolvers<number> = Promise.withResolvers();
  /** Hears why a connection broke, when there is another. */
  onReconnect: (cause: string) => void = () => {};

  constructor(world: World, process: VirtualProcess, network: Network, host: AgentHost) {
    this.#world = world;
    this.process = process;
    this.#network = network;
    this.#host = host;
    void this.#hold();
  }

  /** Aborts when the run has failed, or was cancelled. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Exit status of the tool, as it was seen. */
  get toolEnd(): Promise<number> {
    return this.#toolEnd.promise;
  }

  readonly events: JobEvents = {
    onAttached: () => this.#world.note(this.process.name, () => "attached"),
    onProgress: () => {},
    onWaiting: () => {},
    onReconnect: (cause) => {
      this.onReconnect(cause);
      this.#world.note(this.process.name, () => `attached again after: ${cause}`);
    },
  };

  /** As createAgentLink, over the virtual network. */
  link(open: ConstructorParameters<typeof DialingSource>[0]["open"]): AgentLink {
    const source = new DialingSource({
      call: (): Channel => this.#network.dial(this.process),
      open,
      explain: (error) =>
        error instanceof PenstockError
          ? error
          : new PenstockError("unreachable", `agent db1 (db1:7411): ${toError(error).message}`),
      patienceMs: LEASE_MS,
      onConnected: (after) => {
        if (after === undefined) this.events.onAttached();
        else this.events.onReconnect(after.message);
      },
      clock: this.process.clock,
    });
    return { source, leave() {}, [Symbol.dispose]() {} };
  }

  fail(error: Error): void {
    if (this.#stop.signal.aborted) return;
    this.#world.note(this.process.name, () => `gives up: ${error.message}`);
    this.#stop.abort(error);
  }

  /** Asks the agent to end the run, as long as it takes; its lease does so without us. */
  async endRun(): Promise<void> {
    this.#stop.abort(new PenstockError("failed", "the run has ended"));
    const untilMs = this.process.clock.nowMs() + LEASE_MS;
    while (this.process.clock.nowMs() < untilMs) {
      try {
        await this.#network.ask(
          this.process,
          () => this.#host.endRun("asked to"),
          this.#world.never,
        );
        return;
      } catch {
        await this.process.clock.delay(ASK_EVERY_MS, this.#world.never); // unreachable
      }
    }
  }

  /** Renews the lease and hears of the tool, until the run ends. */
  async #hold(): Promise<void> {
    const { clock } = this.process;
    let lastSignMs = clock.nowMs();
    try {
      while (clock.nowMs() - lastSignMs < LEASE_MS) {
        await clock.delay(ASK_EVERY_MS, this.signal);
        try {
          const report = await this.#network.ask(this.process, () => this.#host.ask(), this.signal);
          lastSignMs = clock.nowMs();
          if (report.failure !== undefined) throw report.failure;
          if (report.exitCode !== undefined) this.#toolEnd.resolve(report.exitCode);
        } catch (error) {
          if (!hasCode(error, "unreachable")) throw error;
        }
      }
      throw new PenstockError("unreachable", "agent db1 (db1:7411): no sign of life");
    } catch (error) {
      this.fail(toError(error));
    }
  }
}
