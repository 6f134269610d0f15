import type { BytesPerSecond } from "@penstock/common";
import type { NamedPace } from "./stream-pace.ts";

/** Of what was audited last; a smaller change is the daily work of a controller that shares out a limit. */
const WORTH_TELLING = 1 / 2;

/** Which paces of one run are worth a line in the audit log: they are told several times a second. */
export class PaceAudit {
  /** By stream; one that is not here goes as fast as it can. */
  readonly #audited: Map<string, BytesPerSecond> = new Map();

  /** Those that differ by more than half from what was audited, or have gone on or off since. */
  take(paces: readonly NamedPace[]): NamedPace[] {
    const news = paces.filter(({ name, rate }) => isNews(this.#audited.get(name), rate));
    for (const { name, rate } of news) {
      if (rate === undefined) this.#audited.delete(name);
      else this.#audited.set(name, rate);
    }
    return news;
  }
}

function isNews(known: BytesPerSecond | undefined, rate: BytesPerSecond | undefined): boolean {
  if (known === undefined || rate === undefined) return known !== rate;
  return Math.abs(rate - known) > known * WORTH_TELLING;
}
