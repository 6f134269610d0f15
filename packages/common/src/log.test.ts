import { expect, test } from "vitest";
import { LOG_FIELD, LOG_FORMATTERS, redacted } from "./log.ts";

test("what is no secret is logged as it is", () => {
  const err = new Error("broken");
  const fields = {
    [LOG_FIELD.run]: "20261120104512",
    count: 3,
    err,
    streams: ["a", "b"],
    no: null,
  };
  expect(redacted(fields)).toEqual(fields);
  expect(Object.values(redacted(fields))).toContain(err);
});

test.each(["token", "Token", "password", "secret", "key", "credentials", "authorization", "env"])(
  "a field %s is never shown, however deep it is and whatever is in it",
  (name) => {
    for (const value of [
      "hunter2",
      Buffer.from("hunter2"),
      { PGPASSWORD: "hunter2" },
      ["hunter2"],
    ]) {
      const nested = { [name]: value, ref: { [name]: value }, list: [{ [name]: value }] };
      expect(redacted(nested)).toEqual({
        [name]: "***",
        ref: { [name]: "***" },
        list: [{ [name]: "***" }],
      });
    }
  },
);

test("of an argument that sounds like a secret only the value is hidden", () => {
  expect(redacted({ args: ["--host=sdw1", "--password=hunter2"] })).toEqual({
    args: ["--host=sdw1", "--password=***"],
  });
});

test("also what is said of every line of a logger is looked through", () => {
  expect(LOG_FORMATTERS.bindings({ host: "sdw1", token: "x" })).toEqual({
    host: "sdw1",
    token: "***",
  });
});
