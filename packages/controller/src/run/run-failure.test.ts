import { type ErrorCode, PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import { reasonText, toRunFailure } from "./run-failure.ts";

test.each<[ErrorCode, ErrorCode]>([
  ["unreachable", "failed"],
  ["refused", "failed"],
  ["not_found", "failed"],
  ["locked", "failed"],
  ["usage", "failed"],
  ["failed", "failed"],
  ["damaged", "damaged"],
  ["internal", "internal"],
])("a run that has begun and meets %s is %s, in the same words", (code, expected) => {
  const error = new PenstockError(code, "agent sdw1: gone", { hint: "look there" });
  const failure = toRunFailure(error);
  expect(failure).toMatchObject({ code: expected, message: error.message, hint: error.hint });
});

test("a cancellation stays one, and so does a fault that nobody has foreseen", () => {
  for (const thrown of [new DOMException("stop", "AbortError"), new TypeError("x")]) {
    expect(toRunFailure(thrown)).toBe(thrown);
  }
});

test("a reason is what the error says, and no more", () => {
  expect(reasonText(new Error("cancelled by SIGINT"))).toBe("cancelled by SIGINT");
});
