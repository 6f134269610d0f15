import { expect, test } from "vitest";
import { showArgument } from "./secrets.ts";

test("the value of an option that sounds like a secret is not shown", () => {
  expect(showArgument("--password=hunter2")).toBe("--password=***");
  expect(showArgument("--db-Passwd=x=y z")).toBe("--db-Passwd=***");
  expect(showArgument("--api_token=abc")).toBe("--api_token=***");
});

test("other arguments are shown as they are", () => {
  for (const argument of ["-Fc", "--jobs=4", "password", "--no-password", "a=b", ""]) {
    expect(showArgument(argument)).toBe(argument);
  }
});
