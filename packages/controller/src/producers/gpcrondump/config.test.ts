import { parseYaml } from "@penstock/common";
import { describe, expect, test } from "vitest";
import { gpcrondumpConfigSchema } from "./config.ts";
import { gpcrondumpAgents } from "./gpcrondump.ts";
import { configOf } from "./sample-cluster.ts";

describe("the configuration of a gpcrondump producer", () => {
  test("has defaults for all but coordinator, database and one of the directories", () => {
    expect(configOf()).toEqual({
      type: "gpcrondump",
      coordinator: "mdw",
      database: "testdb",
      directory: "/gp/backups",
      options: [],
      restore: [],
      env: {},
    });
  });

  test.each([
    ["no directory at all", "", "at coordinatorDataDirectory; allowed: an absolute path"],
    ["a refused option, at its place", "directory: /b\noptions: [-g, -r]\n", "at options[1]"],
    ["a refused option of a restore", "directory: /b\nrestore: [-x, a]\n", "at restore[0]"],
    ["a relative directory", "directory: b\n", 'bad path "b" at directory'],
    ["a prefix that is a path", "directory: /b\nprefix: a/b\n", "bad prefix at prefix; allowed:"],
    ["a prefix with its underscore", "directory: /b\nprefix: foo_\n", "bad prefix at prefix"],
    ["a variable that is none", 'directory: /b\nenv: {"A B": c}\n', "bad name of a variable"],
    ["an unknown key", "directory: /b\ndatabases: [a]\n", 'did you mean "database"?'],
    ["a port beyond all", "directory: /b\nport: 70000\n", "at port"],
  ])("refuses %s", (_, more, message) => {
    expect(() => configOf(more)).toThrow(message);
  });

  test("refuses a database that would be an option", () => {
    const text = "type: gpcrondump\ncoordinator: mdw\ndatabase: -r\ndirectory: /b\n";
    expect(() => parseYaml(text, "p.yaml", gpcrondumpConfigSchema)).toThrow(
      'bad name of a database at database; allowed: one line, not beginning with "-"',
    );
  });

  test("needs every agent there is, or those of its map of hosts", () => {
    expect(gpcrondumpAgents(configOf(), ["sdw1", "mdw"])).toEqual([
      { name: "mdw", path: ["coordinator"] },
      { name: "sdw1", path: [] },
    ]);
    const mapped = configOf("directory: /b\nhosts: {sdw1-1: sdw1, sdw1-2: sdw1, mdw-1: mdw}\n");
    expect(gpcrondumpAgents(mapped, ["sdw1", "mdw", "other"])).toEqual([
      { name: "mdw", path: ["coordinator"] },
      { name: "sdw1", path: ["hosts", "sdw1-1"] },
    ]);
  });
});
