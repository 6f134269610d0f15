import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";

test("a delay that is aborted throws the signal's own reason", async () => {
  const reason = new Error("the run has ended");
  const stop = new AbortController();
  const delayed = systemClock.delay(60_000, stop.signal);
  stop.abort(reason);
  await expect(delayed).rejects.toBe(reason);
  await expect(systemClock.delay(60_000, stop.signal)).rejects.toBe(reason);
});

test("what was disposed of does not come; what repeats does until then", async () => {
  const came: string[] = [];
  systemClock.after(1, () => came.push("disposed of"))[Symbol.dispose]();
  const third = Promise.withResolvers<void>();
  let turns = 0;
  using _every = systemClock.every(1, () => {
    turns += 1;
    if (turns === 3) third.resolve();
  });
  await third.promise;
  expect(came).toEqual([]);
});
