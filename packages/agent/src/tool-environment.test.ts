import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { toolEnvironment } from "./tool-environment.ts";

test("only a small base is inherited, and what is given wins", () => {
  const own = {
    PATH: "/bin",
    LOGNAME: "gpadmin",
    LC_ALL: "C",
    TZ: "UTC",
    NODE_OPTIONS: "x",
    PGPASSWORD: "secret",
  };
  const given = { TZ: "CET", PGPORT: "5433" };
  expect(toolEnvironment(given, own)).toEqual({
    PATH: "/bin",
    LOGNAME: "gpadmin",
    LC_ALL: "C",
    TZ: "CET",
    PGPORT: "5433",
  });
});

test("there is always a path, and the name of the user", () => {
  const PATH = "/usr/local/bin:/usr/bin:/bin";
  expect(toolEnvironment({}, {})).toEqual({ PATH, LOGNAME: userInfo().username });
  expect(toolEnvironment({}, { USER: "gp" })).toEqual({ PATH, USER: "gp", LOGNAME: "gp" });
});
