import { type Channel, expectLife, PenstockError } from "@penstock/common";
import type { Open } from "@penstock/proto";
import type { Network } from "./network.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { World } from "./world.ts";

/** How long an agent keeps a run without a sign of its controller, and a mover looks for an agent. */
export const LEASE_MS = 30_000;

/** What an agent serves: a BackupStream or a RestoreStream. */
export interface Served extends AsyncDisposable {
  accept(channel: Channel, open: Open): void;
  readonly done: Promise<unknown>;
}

/** What a controller hears when it asks for a run. */
export interface RunReport {
  readonly failure: Error | undefined;
  readonly exitCode: number | undefined;
}

/** The agent's tool, and how it is stopped. */
export interface Tool {
  readonly exitCode: number | undefined;
  kill(): void;
}

/** An agent with one run of one stream, as service and run of the real one serve it. */
export class AgentHost {
  readonly process: VirtualProcess;
  readonly #world: World;
  readonly #stream: Served;
  readonly #tool: Tool;
  #lease: Disposable | undefined;
  #failure: Error | undefined;
  #state: "held" | "ending" | "gone" = "held";

  constructor(world: World, process: VirtualProcess, network: Network, stream: Served, tool: Tool) {
    this.#world = world;
    this.process = process;
    this.#stream = stream;
    this.#tool = tool;
    this.#keepLease();
    stream.done.catch((error: Error) => {
      this.#failure = error;
      world.step(process.name, () => `its stream fails: ${error.message}`);
    });
    network.listen({ process, onCall: (channel) => void this.#answer(channel) });
  }

  /** Nothing of the run is left here: it has ended, or died with the process. */
  get isGone(): boolean {
    return this.#state === "gone" || !this.process.isAlive;
  }

  /** A sign of the controller's life. Throws when the run is not there any more. */
  ask(): RunReport {
    if (this.#state !== "held") throw new PenstockError("not_found", "no such run");
    this.#keepLease();
    return { failure: this.#failure, exitCode: this.#tool.exitCode };
  }

  /** The tool dies before its pipe is closed. Repeatable. */
  async endRun(why: string): Promise<void> {
    if (this.#state !== "held") return;
    this.#state = "ending";
    this.#world.step(this.process.name, () => `ends the run: ${why}`);
    this.#lease?.[Symbol.dispose]();
    this.#tool.kill();
    await this.#stream[Symbol.asyncDispose]();
    this.#state = "gone";
    this.#world.note(this.process.name, () => "the run is gone");
  }

  #keepLease(): void {
    this.#lease?.[Symbol.dispose]();
    this.#lease = this.process.clock.after(LEASE_MS, () => void this.endRun("the lease has ended"));
  }

  async #answer(channel: Channel): Promise<void> {
    try {
      const first = await expectLife(channel.next(this.#world.never), channel, this.process.clock);
      if (first?.$case !== "open") throw new PenstockError("usage", "expected open");
      if (this.#state !== "held") throw new PenstockError("not_found", "no such run");
      this.#stream.accept(channel, first.value);
    } catch (error) {
      channel.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
