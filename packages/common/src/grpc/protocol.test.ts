import { describe, expect, test } from "vitest";
import { negotiate, PROTOCOL } from "./protocol.ts";

describe("the protocol's version", () => {
  test("is the highest that both sides know", () => {
    expect(negotiate(PROTOCOL)).toBe(PROTOCOL.max);
    expect(negotiate({ min: 1, max: 4 }, { min: 2, max: 3 })).toBe(3);
    expect(negotiate({ min: 1, max: 2 }, { min: 2, max: 3 })).toBe(2);
  });

  test("is refused to a controller that is too old, naming both ranges", () => {
    expect(() => negotiate({ min: 1, max: 1 }, { min: 2, max: 3 })).toThrow(
      expect.objectContaining({
        code: "failed",
        message: "the controller speaks protocol 1, the agent protocols 2 to 3",
        hint: "upgrade the controller",
      }),
    );
  });

  test("is refused by an agent that is too old", () => {
    expect(() => negotiate({ min: 3, max: 4 }, { min: 1, max: 2 })).toThrow(
      expect.objectContaining({ hint: "upgrade the agent" }),
    );
  });

  test.each([undefined, { min: 0, max: 0 }])(
    "is refused to a caller that names none: %j",
    (range) => {
      expect(() => negotiate(range)).toThrow(
        "the controller speaks no protocol, the agent protocol 1",
      );
    },
  );
});
