import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml } from "@penstock/common";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControllerConfig, controllerConfigSchema, loadControllerConfig } from "./config.ts";
import { toPrintable } from "./config-printable.ts";
import { controllerJsonSchema } from "./config-schema.ts";

const GOOD = `cluster: warehouse
tls: {ca: ca.pem, cert: controller.pem, key: controller.key}
agents:
  mdw: {address: "mdw:7411"}
  sdw1: {address: "[2001:db8::1]:7411"}
targets:
  local: {url: "file:///backups/penstock"}
  cloud: {url: "s3://bucket/prefix", region: eu-1, endpoint: "https://store.example.org", credentialsFile: cloud.cred}
plans:
  nightly:
    producer:
      type: command
      hosts: [mdw, sdw1]
      streams: [{name: "app-{host}", kind: fifo, path: "/backups/{set}/app-{host}.pipe"}]
      backup: {tool: pg_dump, args: ["-Fc"], env: {PGPORT: "5433", PGPASSWORD: hunter2}}
    targets: [local, cloud]
`;

describe("the controller's configuration", () => {
  let directory: string;
  let path: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "penstock-config-"));
    path = join(directory, "penstock.yaml");
    for (const name of ["ca.pem", "controller.pem", "controller.key"]) {
      writeFileSync(join(directory, name), "");
    }
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const load = (text: string): ReturnType<typeof loadControllerConfig> => {
    writeFileSync(path, text);
    return loadControllerConfig(path);
  };

  test("has defaults for all that need not be said, and absolute paths", () => {
    expect(load(GOOD).value).toEqual({
      cluster: "warehouse",
      tls: {
        ca: join(directory, "ca.pem"),
        cert: join(directory, "controller.pem"),
        key: join(directory, "controller.key"),
      },
      agents: { mdw: { address: "mdw:7411" }, sdw1: { address: "[2001:db8::1]:7411" } },
      receivers: {},
      targets: {
        local: { url: "file:///backups/penstock" },
        cloud: {
          url: "s3://bucket/prefix",
          region: "eu-1",
          endpoint: "https://store.example.org",
          credentialsFile: join(directory, "cloud.cred"),
        },
      },
      plans: {
        nightly: {
          producer: expect.objectContaining({ type: "command", files: [] }),
          targets: ["local", "cloud"],
          compression: "zstd",
          recipients: [],
          throttle: { run: undefined, host: undefined, stream: undefined },
          windows: [],
          limits: { perHost: 4, total: 16 },
          grace: 10_000,
          stall_timeout: { backup: 600_000, restore: 21_600_000 },
          lease: 30_000,
          segmentSize: 8 * 2 ** 30,
        },
      },
      movers: Math.min(availableParallelism(), 8),
      runDirectory: "/var/lib/penstock",
    });
  });

  test("takes every key", () => {
    const text = `${GOOD}    compression: gzip
    recipients: []
    throttle: 200MiB/s
    windows: [{from: "22:00", to: "06:00", rate: off}, {rate: 50MiB/s}]
    limits: {perHost: 1}
    grace: 0s
    stall_timeout: 1h
    lease: 1s
    segmentSize: 64KiB
receivers: {vault1: {address: "vault1:7412"}}
movers: 3
runDirectory: /srv/penstock
metrics: {listen: "0.0.0.0:9000"}
`;
    expect(load(text).value).toMatchObject({
      plans: {
        nightly: {
          compression: "gzip",
          throttle: { run: 200 * 2 ** 20, host: undefined, stream: undefined },
          windows: [{ from: "22:00", to: "06:00", rate: undefined }, { rate: 50 * 2 ** 20 }],
          limits: { perHost: 1, total: 16 },
          grace: 0,
          stall_timeout: { backup: 3_600_000, restore: 3_600_000 },
          lease: 1000,
          segmentSize: 65_536,
        },
      },
      receivers: { vault1: { address: "vault1:7412" } },
      movers: 3,
      runDirectory: "/srv/penstock",
      metrics: { listen: "0.0.0.0:9000" },
    });
  });

  test("takes limits for run, host and stream", () => {
    expect(load(`${GOOD}    throttle: {host: 10m, stream: 1MiB/s}\n`).value).toMatchObject({
      plans: {
        nightly: { throttle: { run: undefined, host: 10 * 2 ** 20, stream: 2 ** 20 } },
      },
    });
  });

  test.each([
    [
      "a host that is no agent",
      "[mdw, sdw1]",
      "[mdw, sdw2]",
      '13: unknown agent "sdw2" (did you mean "sdw1"?) at plans.nightly.producer.hosts[1]; allowed: mdw, sdw1',
    ],
    [
      "a host of JavaScript's own",
      "[mdw, sdw1]",
      "[mdw, constructor]",
      '13: unknown agent "constructor" at plans.nightly.producer.hosts[1]; allowed: mdw, sdw1',
    ],
    [
      "an unknown target",
      "[local, cloud]",
      "[local, clowd]",
      '16: unknown target "clowd" (did you mean "cloud"?) at plans.nightly.targets[1]; allowed: local, cloud',
    ],
    [
      "a target twice",
      "[local, cloud]",
      "[local, local]",
      '16: duplicate target "local" at plans.nightly.targets[1]',
    ],
    [
      "a plan without targets",
      "[local, cloud]",
      "[]",
      "16: too few entries at plans.nightly.targets; allowed: at least 1",
    ],
    [
      "an unknown producer",
      "type: command",
      "type: gpcrondmp",
      '12: unknown value "gpcrondmp" (did you mean "gpcrondump"?) at plans.nightly.producer.type; allowed: command, gpbackup, gpcrondump',
    ],
    [
      "an unknown key of a producer",
      "backup: {tool",
      "backup: {tol",
      '15: unknown key (did you mean "tool"?) at plans.nightly.producer.backup.tol; allowed: tool, args, env, stopSignal',
    ],
    [
      "a stream's name without its host",
      'app-{host}"',
      'app"',
      '14: stream name "app" is the same on hosts mdw and sdw1 at plans.nightly.producer.streams[0].name; allowed: one with {host} in it',
    ],
    [
      "a bad name of a plan",
      "  nightly:",
      "  night ly:",
      '10: bad name "night ly" at plans["night ly"]; allowed: letters',
    ],
    [
      "a bad name of a cluster",
      "warehouse",
      "../warehouse",
      '1: bad name "../warehouse" at cluster; allowed: letters',
    ],
    [
      "an agent without an address",
      '{address: "mdw:7411"}',
      "{}",
      "4: missing key at agents.mdw.address; allowed: text",
    ],
    [
      "an agent without a port",
      "mdw:7411",
      "mdw",
      '4: bad address "mdw" at agents.mdw.address; allowed: host:port, port 1 to 65535',
    ],
    ["the same agent twice", "  sdw1: {", "  mdw: {", '5: duplicate key "mdw"'],
    [
      "an unknown key of an agent",
      '{address: "mdw:7411"}',
      '{adress: "mdw:7411"}',
      '4: unknown key (did you mean "address"?) at agents.mdw.adress; allowed: address',
    ],
    [
      "a target that is a path",
      "file:///backups/penstock",
      "/backups/penstock",
      "7: not a URL at targets.local.url; allowed: a URL without a password, such as file:///backups/penstock",
    ],
    [
      "a password in a URL",
      "s3://bucket",
      "s3://u:hunter2@bucket",
      "8: a password in the URL at targets.cloud.url; allowed: a URL without a password",
    ],
    [
      "an endpoint that is a host",
      "https://store.example.org",
      "store",
      "8: not a URL at targets.cloud.endpoint; allowed: a URL without a password, such as https://",
    ],
    ["a missing certificate", "controller.pem", "no.pem", "2: cannot read "],
    [
      "no TLS",
      "tls: {ca: ca.pem, cert: controller.pem, key: controller.key}\n",
      "",
      "1: missing key at tls; allowed: a map with the keys ca, cert, key",
    ],
  ])("refuses %s, with the line", (_, good, bad, message) => {
    expect(() => load(GOOD.replace(good, bad))).toThrow(`${path}:${message}`);
  });

  test.each([
    [
      "compression: lz4",
      '17: unknown value "lz4" at plans.nightly.compression; allowed: none, gzip, zstd',
    ],
    [
      "compression: {codec: zstd}",
      "17: unexpected map at plans.nightly.compression; allowed: none, gzip, zstd",
    ],
    [
      "recipients: [age1qqq]",
      "17: encryption is not available in this version at plans.nightly.recipients; allowed: no recipients",
    ],
    [
      "throttle: fast",
      '17: bad rate "fast" at plans.nightly.throttle; allowed: off, or bytes per second',
    ],
    [
      "throttle: {hosts: 1m}",
      '17: unknown key (did you mean "host"?) at plans.nightly.throttle.hosts; allowed: run, host, stream',
    ],
    [
      "throttle: {host: fast}",
      '17: bad rate "fast" at plans.nightly.throttle.host; allowed: off, or bytes per second',
    ],
    [
      'windows: [{from: "22:00", to: "24:00", rate: off}]',
      '17: bad time "24:00" at plans.nightly.windows[0].to; allowed: hours and minutes of the local time, 00:00 to 23:59',
    ],
    [
      "windows: [{rate: off}, {from: 6, to: 7, rate: off}]",
      "17: unexpected number at plans.nightly.windows[1].from; allowed: text",
    ],
    [
      'windows: [{from: "6:00", to: "07:00", rate: off}]',
      '17: bad time "6:00" at plans.nightly.windows[0].from; allowed: hours',
    ],
    [
      'windows: [{from: "06:00", rate: off}]',
      "17: from alone at plans.nightly.windows[0]; allowed: from and to, or neither",
    ],
    [
      'windows: [{from: "06:00", to: "06:00", rate: off}]',
      "17: from and to are both 06:00 at plans.nightly.windows[0]; allowed: two times",
    ],
    [
      'windows: [{from: "06:00", to: "07:00"}]',
      "17: missing key at plans.nightly.windows[0].rate; allowed: off, or bytes per second",
    ],
    [
      "throttle: [1m]",
      "17: unexpected list at plans.nightly.throttle; allowed: off, or bytes per second",
    ],
    ["throttle:", "17: no value at plans.nightly.throttle; allowed: off, or bytes per second"],
    [
      "limits: {perhost: 1}",
      '17: unknown key (did you mean "perHost"?) at plans.nightly.limits.perhost; allowed: perHost, total',
    ],
    ["limits: {total: 0}", "17: 0 is too small at plans.nightly.limits.total; allowed: at least 1"],
    [
      "stallTimeout: 1m",
      '17: unknown key (did you mean "stall_timeout"?) at plans.nightly.stallTimeout; allowed: producer, targets,',
    ],
    ["lease: 10ms", '17: "10ms" is too small at plans.nightly.lease; allowed: at least 1s'],
    [
      "segmentSize: 1KiB",
      '17: "1KiB" is too small at plans.nightly.segmentSize; allowed: at least 64KiB',
    ],
  ])("refuses a plan with %s", (line, message) => {
    expect(() => load(`${GOOD}    ${line}\n`)).toThrow(`${path}:${message}`);
  });

  test("names every problem at once, also wrong references beside unknown keys", () => {
    const text = GOOD.replace("[mdw, sdw1]", "[mdw, sdw7]").replace("[local, cloud]", "[lokal]");
    expect(() => load(`colour: blue\n${text}movers: 65\n`)).toThrow(
      [
        `${path}:1: unknown key at colour; allowed: cluster, tls, agents, receivers, targets, plans, movers, runDirectory, metrics`,
        `${path}:14: unknown agent "sdw7" (did you mean "sdw1"?) at plans.nightly.producer.hosts[1]; allowed: mdw, sdw1`,
        `${path}:17: unknown target "lokal" (did you mean "local"?) at plans.nightly.targets[0]; allowed: local, cloud`,
        `${path}:18: 65 is too large at movers; allowed: at most 64`,
      ].join("\n"),
    );
  });

  test("names a stream without its path beside an error elsewhere", () => {
    const text = GOOD.replace(/, path: "[^"]*"/, "").replace("mdw:7411", "mdw");
    expect(() => load(text)).toThrow(
      /:4: bad address "mdw" at agents\.mdw\.address[^\n]*\n[^\n]*:14: a stream of kind fifo needs a path at /,
    );
  });

  test("never shows a password that stands where none belongs", () => {
    const text = GOOD.replace("s3://bucket", "s3://u:hunter2@bucket").replace(
      "hunter2}",
      "hunter2\\0}",
    );
    expect(() => load(text)).toThrow(expect.not.stringContaining("hunter2"));
  });
});

describe("the printed configuration", () => {
  const parse = (text: string): ControllerConfig =>
    parseYaml(text, "c.yaml", controllerConfigSchema).value;

  test("shows defaults as one would write them", () => {
    expect(toPrintable(parse(`${GOOD}    throttle: 10m\n`))).toMatchObject({
      movers: Math.min(availableParallelism(), 8),
      plans: {
        nightly: {
          throttle: "10MiB/s",
          grace: "10s",
          stall_timeout: { backup: "10m", restore: "6h" },
          lease: "30s",
          segmentSize: "8GiB",
          limits: { perHost: 4, total: 16 },
        },
      },
    });
  });

  test.each(["PGPASSWORD", "MYSQL_PWD", "APP_SECRET", "apiToken", "AWS_ACCESS_KEY_ID"])(
    "hides %s in the environment of a tool",
    (name) => {
      const printed = JSON.stringify(toPrintable(parse(GOOD.replace("PGPASSWORD", name))));
      expect(printed).toContain(`"env":{"PGPORT":"5433","${name}":"***"}`);
      expect(printed).not.toContain("hunter2");
    },
  );

  test("hides secrets among the variables of a host", () => {
    const text = GOOD.replace("[mdw,", "[{name: mdw, vars: {passphrase: hunter3, dir: /x}},");
    const printed = JSON.stringify(toPrintable(parse(text)));
    expect(printed).toContain('"vars":{"passphrase":"***","dir":"/x"}');
    expect(printed).not.toContain("hunter");
  });

  test("shows variables that are no secret", () => {
    expect(JSON.stringify(toPrintable(parse(GOOD)))).toContain('"PGPORT":"5433"');
  });

  test("is a configuration of the same meaning, if nothing is hidden", () => {
    const config = parse(GOOD.replace(", PGPASSWORD: hunter2", ""));
    expect(parse(JSON.stringify(toPrintable(config)))).toEqual(config);
  });

  test("shows throttle and windows in the form of the file", () => {
    const throttle = { run: "off", host: "10MiB/s", stream: "1MiB/s" };
    const windows = [{ from: "22:00", to: "06:00", rate: "off" }, { rate: "50MiB/s" }];
    const text = `${GOOD.replace(", PGPASSWORD: hunter2", "")}    throttle: ${JSON.stringify(throttle)}
    windows: ${JSON.stringify(windows)}
`;
    const printed = toPrintable(parse(text));
    expect(printed).toMatchObject({ plans: { nightly: { throttle, windows } } });
    expect(parse(JSON.stringify(printed))).toEqual(parse(text));
  });

  test("leaves the configuration itself as it is", () => {
    const config = parse(GOOD);
    toPrintable(config);
    expect(config).toEqual(parse(GOOD));
  });
});

describe("the JSON Schema", () => {
  test("knows each key, its default and what it is for, and nothing of this machine", () => {
    const schema = controllerJsonSchema();
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
      required: ["cluster", "tls", "agents", "targets", "plans"],
      properties: {
        movers: { type: "integer", minimum: 1, maximum: 64, description: expect.any(String) },
        metrics: { properties: { listen: { default: "127.0.0.1:9412" } } },
        plans: {
          additionalProperties: {
            required: ["producer", "targets"],
            properties: {
              producer: {
                oneOf: ["command", "gpbackup", "gpcrondump"].map((type) => ({
                  properties: { type: { const: type } },
                })),
              },
              compression: { enum: ["none", "gzip", "zstd"], default: "zstd" },
              segmentSize: { default: "8GiB" },
              throttle: { default: "off" },
              windows: { default: [], items: { required: ["rate"] } },
            },
          },
        },
      },
    });
    expect(schema).not.toHaveProperty("properties.movers.default");
  });
});
