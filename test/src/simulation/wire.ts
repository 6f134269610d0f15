import type { Parcel } from "./parcel.ts";
import type { World } from "./world.ts";

/** How a direction treats what travels in it. */
export interface WireOptions {
  readonly leastDelayMs: number;
  readonly mostDelayMs: number;
  /** Messages under way or not yet read until the sender has to wait. */
  readonly capacity: number;
  /** Until when nothing gets through, as things are now; a time in the past if it does. */
  readonly blockedUntilMs: () => number;
  readonly deliver: (parcel: Parcel) => void;
}

/** One direction of a connection: in order, late, and not for ever. */
export class Wire {
  readonly #world: World;
  readonly #options: WireOptions;
  readonly #underWay: { readonly parcel: Parcel; readonly dueMs: number }[] = [];
  #lastDueMs = 0;
  #unread = 0;
  #lost = 0;
  #isDead = false;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(world: World, options: WireOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** Resolves when something about `isFull` may have changed. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  get isFull(): boolean {
    return this.#underWay.length + this.#unread + this.#lost >= this.#options.capacity;
  }

  put(parcel: Parcel): void {
    if (this.#isDead) {
      this.#lost += 1;
      return;
    }
    const { random, clock } = this.#world;
    const { leastDelayMs, mostDelayMs } = this.#options;
    const delayMs = leastDelayMs + random.next() * (mostDelayMs - leastDelayMs);
    this.#lastDueMs = Math.max(this.#lastDueMs, clock.nowMs() + delayMs);
    this.#underWay.push({ parcel, dueMs: this.#lastDueMs });
    if (this.#underWay.length === 1) this.#await(this.#lastDueMs);
  }

  /** The receiver has taken a message, so there is room for another. */
  read(): void {
    this.#unread -= 1;
    this.wake();
  }

  /** From now on nothing arrives, and nobody is told; what is under way is lost. */
  die(): void {
    this.#isDead = true;
    this.#lost += this.#underWay.length;
    this.#underWay.length = 0;
  }

  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #await(dueMs: number): void {
    this.#world.clock.after(dueMs - this.#world.clock.nowMs(), () => this.#arrive());
  }

  #arrive(): void {
    const untilMs = this.#options.blockedUntilMs();
    if (this.#underWay.length === 0) return;
    if (untilMs > this.#world.clock.nowMs()) {
      this.#await(untilMs);
      return;
    }
    const arrived = this.#underWay.shift();
    const next = this.#underWay[0];
    if (next !== undefined) this.#await(Math.max(next.dueMs, this.#world.clock.nowMs()));
    if (arrived === undefined) return;
    if (arrived.parcel.kind === "message") this.#unread += 1;
    this.#options.deliver(arrived.parcel);
    this.wake();
  }
}
