import { expect, test } from "vitest";
import { Gate } from "./gate.ts";

const never = new AbortController().signal;

test("no more than the limit are inside, and all get their turn in order", async () => {
  const gate = new Gate(2);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const visits = [0, 1, 2, 3, 4].map((number) =>
    gate.pass(async () => {
      inside += 1;
      most = Math.max(most, inside);
      order.push(number);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      return number;
    }, never),
  );
  expect(await Promise.all(visits)).toEqual([0, 1, 2, 3, 4]);
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});

test("who leaves the line, or fails inside, keeps no place", async () => {
  const gate = new Gate(1);
  const first = Promise.withResolvers<void>();
  const failing = gate.pass(() => first.promise, never);
  const abort = new AbortController();
  const waiting = gate.pass(() => Promise.resolve("never"), abort.signal);
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  const last = gate.pass(() => Promise.resolve("last"), never);
  first.reject(new Error("broken"));
  await expect(failing).rejects.toThrow("broken");
  expect(await last).toBe("last");
});
