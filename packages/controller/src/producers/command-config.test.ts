import { parseYaml } from "@penstock/common";
import { describe, expect, test } from "vitest";
import { type CommandConfig, commandConfigSchema } from "./command-config.ts";
import { producerSchema } from "./producers.ts";

const GOOD = `type: command
hosts: [sdw1, {name: sdw2, vars: {port: "5433"}}]
streams: [{name: "app-{host}", kind: fifo, path: "/backups/{set}/app-{host}.pipe"}]
backup: {tool: pg_dump, args: ["-Fc", "app"], env: {PGPORT: "5433"}}
restore: {tool: pg_restore, stopSignal: SIGINT}
files: ["/backups/{set}/*.rpt"]
`;

function parse(text: string): CommandConfig {
  return parseYaml(text, "p.yaml", commandConfigSchema).value;
}

describe("the configuration of a command producer", () => {
  test("names hosts with and without variables, and has defaults", () => {
    expect(parse(GOOD)).toEqual({
      type: "command",
      hosts: [
        { name: "sdw1", vars: {} },
        { name: "sdw2", vars: { port: "5433" } },
      ],
      streams: [
        {
          name: "app-{host}",
          kind: "fifo",
          path: "/backups/{set}/app-{host}.pipe",
          required: true,
        },
      ],
      backup: { tool: "pg_dump", args: ["-Fc", "app"], env: { PGPORT: "5433" } },
      restore: { tool: "pg_restore", args: [], env: {}, stopSignal: "SIGINT" },
      files: ["/backups/{set}/*.rpt"],
    });
  });

  test("needs neither restore nor files, nor a path for stdout", () => {
    const text = `type: command
hosts: [a]
streams: [{name: x, kind: stdout, required: false}]
backup: {tool: t}
`;
    expect(parse(text)).toEqual({
      type: "command",
      hosts: [{ name: "a", vars: {} }],
      streams: [{ name: "x", kind: "stdout", required: false }],
      backup: { tool: "t", args: [], env: {} },
      files: [],
    });
  });

  test("may take paths from variables of the host", () => {
    const text = GOOD.replace("[sdw1, ", "[{name: sdw1, vars: {port: '1', dir: /data1}}, ")
      .replace('port: "5433"', 'port: "5433", dir: /data2')
      .replace("/backups/{set}/app", "{dir}/{set}/app");
    expect(parse(text).streams[0]?.path).toBe("{dir}/{set}/app-{host}.pipe");
  });

  const stream = (fields: string): string =>
    GOOD.replace(/streams: .*/, `streams: [{name: "app-{host}", ${fields}}]`);

  test.each([
    [
      "a type nobody knows",
      GOOD.replace("command", "comand"),
      '1: unknown value "comand" (did you mean "command"?) at type; allowed: command',
    ],
    ["no type", GOOD.replace("type: command\n", ""), "1: missing key at type; allowed: command"],
    ["no hosts", GOOD.replace(/hosts: .*\n/, ""), "1: missing key at hosts; allowed: a list"],
    [
      "an empty list of hosts",
      GOOD.replace(/hosts: .*/, "hosts: []"),
      "2: too few entries at hosts; allowed: at least 1",
    ],
    [
      "a host that is a number",
      GOOD.replace("[sdw1,", "[7,"),
      "2: unexpected number at hosts[0]; allowed: text (put it in quotes) or a map",
    ],
    [
      "a host of a bad name",
      GOOD.replace("[sdw1,", '["a b",'),
      '2: bad name "a b" at hosts[0]; allowed: letters, digits',
    ],
    [
      "a host without a name",
      GOOD.replace("name: sdw2, ", ""),
      "2: missing key at hosts[1].name; allowed: text",
    ],
    [
      "a host's unknown key",
      GOOD.replace("vars:", "var:"),
      '2: unknown key (did you mean "vars"?) at hosts[1].var; allowed: name, vars',
    ],
    [
      "a variable that is a number",
      GOOD.replace('{port: "5433"}', "{port: 5433}"),
      "2: unexpected number at hosts[1].vars.port; allowed: text (put it in quotes)",
    ],
    [
      "a variable of a bad name",
      GOOD.replace("{port:", "{the-port:"),
      '2: bad name of a variable "the-port" at hosts[1].vars.the-port; allowed: letters, digits and "_"',
    ],
    [
      "a variable of a reserved name",
      GOOD.replace("{port:", "{set:"),
      "2: {set} has a meaning of its own at hosts[1].vars.set; allowed: another name",
    ],
    [
      "a host twice",
      GOOD.replace("name: sdw2", "name: sdw1"),
      '2: duplicate host "sdw1" at hosts[1]',
    ],
    [
      "no streams",
      GOOD.replace(/streams: .*/, "streams: []"),
      "3: too few entries at streams; allowed: at least 1",
    ],
    [
      "an unknown kind",
      stream("kind: pipe, path: /x"),
      '3: unknown value "pipe" at streams[0].kind; allowed: fifo, file, stdout, stdin',
    ],
    [
      "a fifo without a path",
      stream("kind: fifo"),
      "3: a stream of kind fifo needs a path at streams[0].path; allowed: an absolute path",
    ],
    [
      "a file without a path",
      stream("kind: file"),
      "3: a stream of kind file needs a path at streams[0].path; allowed: an absolute path",
    ],
    [
      "a stdout with a path",
      stream("kind: stdout, path: /x"),
      "3: a stream of kind stdout has no path at streams[0].path; allowed: no path, or kind fifo or file",
    ],
    [
      "a relative path",
      stream("kind: fifo, path: backups/x"),
      '3: bad path "backups/x" at streams[0].path; allowed: an absolute path',
    ],
    [
      "a path that climbs",
      stream('kind: fifo, path: "/backups/{set}/../x"'),
      '3: bad path "/backups/20000101000000/../x" at streams[0].path; allowed:',
    ],
    [
      "a misspelt placeholder",
      stream('kind: fifo, path: "/b/{hots}"'),
      '3: for host sdw1: unknown placeholder "hots" (did you mean "host"?) at streams[0].path; allowed: host, set',
    ],
    [
      "a placeholder that one host has no value for",
      GOOD.replace('"app"]', '"-p{port}"]'),
      '4: for host sdw1: unknown placeholder "port" at backup.args[1]; allowed: host, set',
    ],
    [
      "a placeholder in the environment",
      GOOD.replace('PGPORT: "5433"', 'PGPORT: "{prot}"'),
      '4: for host sdw1: unknown placeholder "prot" at backup.env.PGPORT; allowed:',
    ],
    [
      "a placeholder in a glob",
      GOOD.replace("*.rpt", "{x}.rpt"),
      '6: for host sdw1: unknown placeholder "x" at files[0]; allowed: host, set',
    ],
    [
      "a name that is the same on two hosts",
      GOOD.replace("app-{host}", "app"),
      '3: stream name "app" is the same on hosts sdw1 and sdw2 at streams[0].name; allowed: one with {host} in it',
    ],
    [
      "a name of other letters",
      GOOD.replace("app-{host}", "app/{host}"),
      '3: bad name "app/sdw1" at streams[0].name; allowed: letters, digits',
    ],
    [
      "an argument that is a number",
      GOOD.replace('"app"]', "5]"),
      "4: unexpected number at backup.args[1]; allowed: text (put it in quotes)",
    ],
    [
      "a tool's path for its name",
      GOOD.replace("pg_dump", "/usr/bin/pg_dump"),
      '4: bad name "/usr/bin/pg_dump" at backup.tool; allowed: letters',
    ],
    [
      "a variable of the environment with a dash",
      GOOD.replace("PGPORT", "PG-PORT"),
      '4: bad name of a variable "PG-PORT" at backup.env.PG-PORT; allowed:',
    ],
    [
      "an unknown signal",
      GOOD.replace("SIGINT", "INT"),
      '5: unknown value "INT" at restore.stopSignal; allowed: SIGTERM, SIGINT,',
    ],
    [
      "a relative glob",
      GOOD.replace('"/backups/{set}/*.rpt"', '"*.rpt"'),
      '6: bad path "*.rpt" at files[0]; allowed: an absolute path',
    ],
    [
      "a glob of many levels",
      GOOD.replace("*.rpt", "**/*.rpt"),
      '6: bad glob "/backups/{set}/**/*.rpt" at files[0]; allowed: * and ? and [ ], but not **',
    ],
    [
      "an unknown key",
      `${GOOD}host: sdw1\n`,
      '7: unknown key (did you mean "hosts"?) at host; allowed: type, hosts, streams, backup, restore, files',
    ],
  ])("refuses %s", (_, text, message) => {
    expect(() => parse(text)).toThrow(`p.yaml:${message}`);
  });

  const twoStreams = (first: string, second: string): string =>
    GOOD.replace(/streams: .*/, `streams:\n  - {${first}}\n  - {${second}}`);

  test("refuses two streams of one name, one path or one stdout", () => {
    const fifo = (name: string, path: string): string =>
      `name: "${name}-{host}", kind: fifo, path: ${path}`;
    expect(() => parse(twoStreams(fifo("a", "/x"), fifo("a", "/y")))).toThrow(
      /^p\.yaml:5: duplicate stream name "a-sdw1" at streams\[1\]\.name$/,
    );
    expect(() => parse(twoStreams(fifo("a", "/x"), fifo("b", "/x")))).toThrow(
      /^p\.yaml:5: path "\/x" on host sdw1: stream "a-sdw1" has it already at streams\[1\]\.path$/,
    );
    const standard = (name: string, kind: string): string =>
      `name: "${name}-{host}", kind: ${kind}`;
    expect(() => parse(twoStreams(standard("a", "stdout"), standard("b", "stdin")))).toThrow(
      /^p\.yaml:5: a tool has one stdout, and stream "a-sdw1" has it already at streams\[1\]\.kind$/,
    );
  });

  test("reports a mistake that many hosts share once", () => {
    const hosts = Array.from({ length: 100 }, (_, index) => `h${index}`).join(", ");
    const text = GOOD.replace(/hosts: .*/, `hosts: [${hosts}]`).replace("{set}/app", "{sett}/app");
    expect(() => parse(text)).toThrow(/^[^\n]*for host h0: unknown placeholder[^\n]*$/);
  });

  test("is one variant of a producer, told by its type", () => {
    expect(parseYaml(GOOD, "p.yaml", producerSchema).value).toEqual(parse(GOOD));
  });
});
