import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadAgentConfig } from "./config.ts";
import { agentJsonSchema } from "./config-schema.ts";

const GOOD = `name: sdw1
cluster: warehouse
tls: {ca: ca.pem, cert: agent.pem, key: agent.key}
roots: [/backups]
tools: {pg_dump: /usr/bin/pg_dump, pg_restore: /usr/bin/pg_restore}
`;

describe("the agent's configuration", () => {
  let directory: string;
  let path: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "penstock-agent-config-"));
    path = join(directory, "agent.yaml");
    for (const name of ["ca.pem", "agent.pem", "agent.key"]) {
      writeFileSync(join(directory, name), "");
    }
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const load = (text: string): ReturnType<typeof loadAgentConfig> => {
    writeFileSync(path, text);
    return loadAgentConfig(path);
  };

  test("has defaults for all that need not be said", () => {
    expect(load(GOOD).value).toEqual({
      name: "sdw1",
      cluster: "warehouse",
      listen: "0.0.0.0:7411",
      tls: {
        ca: join(directory, "ca.pem"),
        cert: join(directory, "agent.pem"),
        key: join(directory, "agent.key"),
      },
      roots: ["/backups"],
      tools: { pg_dump: "/usr/bin/pg_dump", pg_restore: "/usr/bin/pg_restore" },
      stateDirectory: "/var/lib/penstock-agent",
      threads: 1,
      memory: 2 ** 30,
      replayBuffer: 64 * 2 ** 20,
      lease: 30_000,
      logLevel: "info",
      plugin: { executable: "/usr/bin/gpbackup_penstock_plugin" },
    });
  });

  test("takes every key", () => {
    const text = `${GOOD}listen: "[::1]:0"
stateDirectory: /srv/state
threads: 64
memory: 256MiB
replayBuffer: 1m
lease: 1s
logLevel: debug
metrics: {listen: "0.0.0.0:9000"}
plugin: {socket: /run/penstock/plugin.sock, executable: /opt/penstock/plugin}
`;
    expect(load(text).value).toMatchObject({
      listen: "[::1]:0",
      stateDirectory: "/srv/state",
      threads: 64,
      memory: 256 * 2 ** 20,
      replayBuffer: 2 ** 20,
      lease: 1000,
      logLevel: "debug",
      metrics: { listen: "0.0.0.0:9000" },
      plugin: { socket: "/run/penstock/plugin.sock", executable: "/opt/penstock/plugin" },
    });
  });

  test("serves metrics on loopback unless it says where", () => {
    expect(load(`${GOOD}metrics: {}\n`).value.metrics).toEqual({ listen: "127.0.0.1:9411" });
  });

  test("need not serve plugin processes", () => {
    expect(load(`${GOOD}plugin: off\n`).value.plugin).toBe("off");
  });

  test("may allow nothing at all", () => {
    const text = GOOD.replace("[/backups]", "[]").replace(/tools: .*/, "tools: {}");
    expect(load(text).value).toMatchObject({ roots: [], tools: {} });
  });

  test.each([
    ["listen: 7411", "6: unexpected number at listen; allowed: text (put it in quotes)"],
    [
      'listen: "7411"',
      '6: bad address "7411" at listen; allowed: host:port, port 0 to 65535, e.g.',
    ],
    ["threads: 0", "6: 0 is too small at threads; allowed: at least 1"],
    ["threads: 65", "6: 65 is too large at threads; allowed: at most 64"],
    ["lease: 999ms", '6: "999ms" is too small at lease; allowed: at least 1s'],
    ["lease: 30", "6: bad duration 30 at lease; allowed: a number with ms, s, m or h"],
    ["memory: 1KiB", '6: "1KiB" is too small at memory; allowed: at least 16MiB'],
    ["replayBuffer: 1KiB", '6: "1KiB" is too small at replayBuffer; allowed: at least 1MiB'],
    [
      "memory: 32MiB",
      "6: 32MiB is less than one stream's replayBuffer at memory; allowed: at least 64MiB",
    ],
    [
      "logLevel: verbose",
      '6: unknown value "verbose" at logLevel; allowed: trace, debug, info, warn, error',
    ],
    [
      "metrics: {listen: 9411}",
      "6: unexpected number at metrics.listen; allowed: text (put it in quotes)",
    ],
    ["stateDirectory: state", '6: bad path "state" at stateDirectory; allowed: an absolute path'],
    [
      "root: /x",
      '6: unknown key (did you mean "roots"?) at root; allowed: name, cluster, listen, tls, roots,',
    ],
    ["plugin: on", '6: unknown value "on" at plugin; allowed: off'],
    ["plugin: [off]", "6: unexpected list at plugin; allowed: a map with the keys socket, execut"],
    ["plugin: {sock: /x}", "6: unknown key at plugin.sock; allowed: socket, executable"],
    ["plugin: {socket: x}", '6: bad path "x" at plugin.socket; allowed: an absolute path'],
    ["plugin: {executable: /a b}", '6: bad path "/a b" at plugin.executable; allowed: letters,'],
    ["name: sdw2", '6: duplicate key "name"'],
  ])("refuses %s with its line", (line, message) => {
    expect(() => load(`${GOOD}${line}\n`)).toThrow(`${path}:${message}`);
  });

  test.each([
    ["name: sdw1", "name: ../sdw1", '1: bad name "../sdw1" at name; allowed: letters, digits'],
    ["[/backups]", "[/backups, tmp]", '4: bad path "tmp" at roots[1]; allowed: an absolute path'],
    ["[/backups]", "[/a/../etc]", '4: bad path "/a/../etc" at roots[0]; allowed: an absolute path'],
    ["[/backups]", "/backups", "4: unexpected text at roots; allowed: a list"],
    [
      "/usr/bin/pg_dump,",
      "pg_dump,",
      '5: bad path "pg_dump" at tools.pg_dump; allowed: an absolute path',
    ],
    ["pg_dump: /", "pg dump: /", '5: bad name "pg dump" at tools["pg dump"]; allowed: letters'],
    ["cluster: warehouse\n", "", "1: missing key at cluster; allowed: text"],
    ["roots: [/backups]\n", "", "1: missing key at roots; allowed: a list"],
    [
      "tls: {ca: ca.pem, cert: agent.pem, key: agent.key}",
      "tls: off",
      "3: unexpected text at tls; allowed: a map with the keys ca, cert, key",
    ],
    ["ca: ca.pem", "ca: no.pem", "3: cannot read "],
  ])("refuses %j replaced by %j, with the line", (good, bad, message) => {
    expect(() => load(GOOD.replace(good, bad))).toThrow(`${path}:${message}`);
  });

  test("cannot go without TLS", () => {
    expect(() => load(GOOD.replace(/tls: .*\n/, ""))).toThrow(
      `${path}:1: missing key at tls; allowed: a map with the keys ca, cert, key`,
    );
  });

  test("gives the line of an entry for errors found later", () => {
    expect(load(GOOD).lineOf(["tools", "pg_restore"])).toBe(5);
  });

  test("has a JSON Schema that knows each key, its default and what it is for", () => {
    expect(agentJsonSchema()).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
      required: ["name", "cluster", "tls", "roots", "tools"],
      properties: {
        threads: { type: "integer", minimum: 1, maximum: 64, default: 1 },
        memory: { default: "1GiB", description: expect.stringContaining("replay buffers") },
        logLevel: { enum: ["trace", "debug", "info", "warn", "error"] },
        metrics: { properties: { listen: { default: "127.0.0.1:9411" } } },
      },
    });
  });
});
