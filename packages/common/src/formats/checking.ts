import { raceAbort, type Stage } from "../byte-stream.ts";
import { keep } from "../transfer/block.ts";
import type { FormatCheck } from "./format-check.ts";

/**
 * Passes bytes on, unchanged, and ends only if they are of their format: otherwise it throws what the
 * check throws. A chunk is checked while it is on its way; the next one is taken when that is done.
 */
export function checking(check: FormatCheck): Stage {
  return async function* checked(source, signal) {
    for await (const chunk of source) {
      const kept = keep(chunk);
      const judged = check.push(chunk);
      const done = (): void => kept[Symbol.dispose]();
      // Whoever stops pulling is not told any more.
      if (judged === undefined) done();
      else judged.then(done, done);
      yield chunk;
      if (judged !== undefined) await raceAbort(judged, signal);
    }
    await check.end();
  };
}
