import { expect, test } from "vitest";
import { toolEnvironment } from "./tool-environment.ts";

test("only a small base is inherited, and what is given wins", () => {
  const own = { PATH: "/bin", LC_ALL: "C", TZ: "UTC", NODE_OPTIONS: "x", PGPASSWORD: "secret" };
  const given = { TZ: "CET", PGPORT: "5433" };
  expect(toolEnvironment(given, own)).toEqual({
    PATH: "/bin",
    LC_ALL: "C",
    TZ: "CET",
    PGPORT: "5433",
  });
});

test("there is always a path", () => {
  expect(toolEnvironment({}, {})).toEqual({ PATH: "/usr/local/bin:/usr/bin:/bin" });
});
