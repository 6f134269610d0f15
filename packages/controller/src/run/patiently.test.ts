import { PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import { patiently } from "./patiently.ts";

const never = new AbortController().signal;
const gone = (text: string): PenstockError => new PenstockError("unreachable", text);

/** Fails so many times before it answers. */
function failing(times: number, error: Error): () => Promise<string> {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls <= times) throw error;
    return `answer to call ${calls}`;
  };
}

test("what nobody answered is asked again until somebody does", async () => {
  const breaks: string[] = [];
  const onBreak = ({ message }: PenstockError): number => breaks.push(message);
  expect(await patiently(failing(2, gone("cut")), { onBreak }, never)).toBe("answer to call 3");
  expect(breaks).toEqual(["cut", "cut"]);
});

test("an answer that is an error is thrown at once", async () => {
  const action = failing(1, new PenstockError("usage", "wrong"));
  await expect(patiently(action, {}, never)).rejects.toThrow("wrong");
});

test("the last failure is thrown when the patience ends", async () => {
  const action = failing(Number.POSITIVE_INFINITY, gone("cut"));
  await expect(patiently(action, { forMs: 150 }, never)).rejects.toThrow("cut");
});

test("an abort ends the waiting, with its own reason", async () => {
  const abort = new AbortController();
  const onBreak = (): void => abort.abort(new Error("enough"));
  const action = failing(Number.POSITIVE_INFINITY, gone("cut"));
  await expect(patiently(action, { onBreak }, abort.signal)).rejects.toThrow("enough");
});
