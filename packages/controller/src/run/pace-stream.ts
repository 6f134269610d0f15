import type { BytesPerSecond } from "@penstock/common";
import { PaceDemand } from "./pace-demand.ts";

/** Smaller changes are not told. Slower ones sooner: the limit is one. */
const SLOWER = 0.995;
const FASTER = 1.03;

/** How fast a stream may go; `undefined` is as fast as it can. */
export interface StreamRate {
  readonly name: string;
  readonly rate: BytesPerSecond | undefined;
}

/** Tells the sender of streams of one host. Is not called again for the host while it runs. */
export type TellRates = (host: string, rates: readonly StreamRate[]) => Promise<void>;

/** One stream as its run's pace sees it: what it is given, and what its sender knows of that. */
export class PacedStream {
  readonly name: string;
  readonly host: string;
  readonly tell: TellRates;
  readonly demand: PaceDemand = new PaceDemand();
  /** Settled when its sender knows its first pace, or refuses it. */
  readonly #begun: PromiseWithResolvers<void> = Promise.withResolvers();
  #hasBegun = false;
  #share: BytesPerSecond = Number.POSITIVE_INFINITY;
  #told: BytesPerSecond;

  /** `mayHavePace`: nobody knows at which pace it goes; else it goes as fast as it can. */
  constructor(
    { name, host }: { readonly name: string; readonly host: string },
    tell: TellRates,
    mayHavePace: boolean,
  ) {
    this.name = name;
    this.host = host;
    this.tell = tell;
    this.#told = mayHavePace ? Number.NaN : Number.POSITIVE_INFINITY;
  }

  /** What it may do from now on; infinite is as fast as it can. Never nothing: it would stand still. */
  set share(share: BytesPerSecond) {
    this.#share = Math.max(1, Math.floor(share));
  }

  /** The same as its sender is told it. */
  get toTell(): StreamRate {
    const rate = this.#share === Number.POSITIVE_INFINITY ? undefined : this.#share;
    return { name: this.name, rate };
  }

  /** True if its sender goes by a pace that is another one by more than it is worth. */
  get isUntold(): boolean {
    return !(this.#share >= this.#told * SLOWER && this.#share <= this.#told * FASTER);
  }

  /** Its sender knows this rate now. */
  told(rate: BytesPerSecond | undefined, nowMs: number): void {
    this.#told = rate ?? Number.POSITIVE_INFINITY;
    this.demand.grant(this.#told, nowMs);
    this.begin();
  }

  /** Resolves when its sender knows its first pace, or needs none. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Its sender needs to know nothing more before it begins. */
  begin(): void {
    this.#hasBegun = true;
    this.#begun.resolve();
  }

  /** Its sender refuses a pace. Returns false if that was to be its first one: then `begun` rejects. */
  refused(error: Error): boolean {
    this.#begun.reject(error);
    return this.#hasBegun;
  }
}
