import { type BytesPerSecond, CHUNK_BYTES } from "@penstock/common";

/** Who uses this part of what it was given would use more. */
const HUNGRY_FROM = 0.9;
/** What a stream that is not hungry gets: so much more than it may be using. */
const HEADROOM = 1.25;
/** A stream that moves is given this much at least: with less it would take long to be seen. */
const LEAST = 64 * 1024;
/** How long ago something counts for little: at least this, and as long as some chunks take. */
const MEMORY_MS = 1_000;
const MEMORY_BYTES = 8 * CHUNK_BYTES;
/** A stream that has moved nothing for so long, and for as long as some chunks take, is idle. */
const PATIENCE_MS = 1_000;
const PATIENCE_BYTES = 2 * CHUNK_BYTES;
/** Movers report several times a second while bytes move. */
const SILENCE_MS = 500;
/** Demands are rounded up to steps, or each tick would bring a slightly other share to all. */
const STEP = 1.1;

/**
 * What one stream can use, judged by what it did with the rate it had. It can be off by the chunk
 * that is on its way, and gives the stream the benefit of that doubt.
 */
export class PaceDemand {
  #rate: BytesPerSecond = Number.POSITIVE_INFINITY;
  #bytes = 0;
  #isIdle = true;
  #reportedMs = 0;
  /** Until when the sums below are counted. They fade; all three alike. */
  #countedMs = 0;
  #moved = 0;
  #granted = 0;
  #spanMs = 0;

  /** The stream may go this fast from now on. */
  grant(rate: BytesPerSecond, nowMs: number): void {
    if (!this.#isIdle) this.#count(0, nowMs);
    this.#rate = rate;
    // What it would have left of more than it has now says nothing about now.
    if (this.#spanMs > 0) this.#granted = Math.min(this.#granted, (rate * this.#spanMs) / 1000);
  }

  /** The stream has moved this much, from its beginning. */
  report(bytes: number, nowMs: number): void {
    const more = bytes - this.#bytes;
    if (more <= 0) return;
    this.#bytes = bytes;
    this.#reportedMs = nowMs;
    if (this.#isIdle) this.#awake(nowMs);
    else this.#count(more, nowMs);
  }

  /** Zero while the stream is idle, infinite while it would use more than it has. */
  at(nowMs: number): BytesPerSecond {
    const silentMs = nowMs - this.#reportedMs;
    if (silentMs > this.#during(PATIENCE_MS, PATIENCE_BYTES)) this.#isIdle = true;
    if (this.#isIdle) return 0;
    if (silentMs > SILENCE_MS) this.#count(0, nowMs);
    if (this.#isHungry()) return Number.POSITIVE_INFINITY;
    const doubt = (CHUNK_BYTES * 1000) / this.#memoryMs();
    const used = (this.#moved * 1000) / this.#spanMs;
    return roundUp(Math.max(LEAST, (used + doubt) * HEADROOM));
  }

  #isHungry(): boolean {
    if (this.#spanMs < SILENCE_MS) return true; // too early to judge
    return this.#moved + CHUNK_BYTES >= this.#granted * HUNGRY_FROM;
  }

  /** What it did before its pause says nothing about now. */
  #awake(nowMs: number): void {
    this.#isIdle = false;
    this.#moved = 0;
    this.#granted = 0;
    this.#spanMs = 0;
    this.#countedMs = nowMs;
  }

  #count(moved: number, nowMs: number): void {
    const ms = nowMs - this.#countedMs;
    this.#countedMs = nowMs;
    if (this.#rate === Number.POSITIVE_INFINITY) return; // nothing to judge it by
    const kept = Math.exp(-ms / this.#memoryMs());
    this.#moved = this.#moved * kept + moved;
    this.#granted = this.#granted * kept + (this.#rate * ms) / 1000;
    this.#spanMs = this.#spanMs * kept + ms;
  }

  #memoryMs(): number {
    return this.#during(MEMORY_MS, MEMORY_BYTES);
  }

  /** A time, or as long as so many bytes take if that is longer. */
  #during(ms: number, bytes: number): number {
    return Math.max(ms, (bytes * 1000) / this.#rate);
  }
}

function roundUp(rate: BytesPerSecond): BytesPerSecond {
  return STEP ** Math.ceil(Math.log(rate) / Math.log(STEP));
}
