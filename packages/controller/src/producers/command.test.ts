import { type Manifest, PenstockError, parseYaml, type Receipt } from "@penstock/common";
import { describe, expect, test } from "vitest";
import { commandConfigSchema } from "./command-config.ts";
import type { Producer } from "./producer.ts";
import { agentsOf, createProducer } from "./producers.ts";

const ORIGIN = ["plans", "nightly", "producer"];
const SET = "20261120104000";

const BASE = `type: command
hosts: [sdw1, {name: sdw2, vars: {port: "5434"}}]
streams:
  - {name: "app-{host}", kind: fifo, path: "/b/{set}/app-{host}.pipe"}
  - {name: "log-{host}", kind: stdout, required: false}
backup:
  tool: pg_dump
  args: ["-f", "/b/{set}/app-{host}.pipe", "{{set}}"]
  env: {PGHOST: "{host}", PGAPPNAME: "set {set}"}
  stopSignal: SIGINT
restore: {tool: pg_restore, args: ["/b/{set}/app-{host}.pipe"]}
files: ["/b/{set}/*.rpt", "/b/{host}.log"]
`;

function producerOf(text: string): Producer {
  const { value } = parseYaml(text, "p.yaml", commandConfigSchema);
  const errorAt = (path: readonly (string | number)[], message: string): PenstockError =>
    new PenstockError("usage", `${path.join(".")}: ${message}`);
  return createProducer(value, ORIGIN, errorAt, []);
}

describe("the plan of a backup", () => {
  const plan = producerOf(BASE).planBackup(SET);

  test("has every stream of every host", () => {
    const origin = (index: number): unknown[] => [...ORIGIN, "streams", index];
    const fifo = { kind: "fifo", required: true, origin: origin(0) };
    const log = { kind: "stdout", path: "", required: false, origin: origin(1) };
    expect(plan.streams).toEqual([
      { name: "app-sdw1", host: "sdw1", path: `/b/${SET}/app-sdw1.pipe`, ...fifo },
      { name: "log-sdw1", host: "sdw1", ...log },
      { name: "app-sdw2", host: "sdw2", path: `/b/${SET}/app-sdw2.pipe`, ...fifo },
      { name: "log-sdw2", host: "sdw2", ...log },
    ]);
  });

  test("starts one tool on each host, which has all streams of the host", () => {
    expect(plan.tools).toEqual(
      ["sdw1", "sdw2"].map((host) => ({
        id: host,
        host,
        tool: "pg_dump",
        args: ["-f", `/b/${SET}/app-${host}.pipe`, "{set}"],
        env: { PGHOST: host, PGAPPNAME: `set ${SET}` },
        streams: [`app-${host}`, `log-${host}`],
        stopSignal: "SIGINT",
        origin: [...ORIGIN, "backup"],
      })),
    );
  });

  test("collects every glob on every host", () => {
    expect(plan.files).toEqual([
      { host: "sdw1", glob: `/b/${SET}/*.rpt`, origin: [...ORIGIN, "files", 0] },
      { host: "sdw1", glob: "/b/sdw1.log", origin: [...ORIGIN, "files", 1] },
      { host: "sdw2", glob: `/b/${SET}/*.rpt`, origin: [...ORIGIN, "files", 0] },
      { host: "sdw2", glob: "/b/sdw2.log", origin: [...ORIGIN, "files", 1] },
    ]);
  });

  test("fills in each host's own variables", () => {
    const text = BASE.replace("[sdw1,", '[{name: sdw1, vars: {port: "5433"}},').replace(
      'PGHOST: "{host}"',
      'PGPORT: "{port}"',
    );
    const ports = producerOf(text)
      .planBackup(SET)
      .tools.map(({ env }) => env);
    expect(ports).toMatchObject([{ PGPORT: "5433" }, { PGPORT: "5434" }]);
  });

  test("reads a stream that is called stdin from the tool's stdout", () => {
    const plan = producerOf(BASE.replace("kind: stdout", "kind: stdin")).planBackup(SET);
    expect(plan.streams.map(({ kind }) => kind)).toEqual(["fifo", "stdout", "fifo", "stdout"]);
  });

  test("has no stop signal if none is configured", () => {
    const plan = producerOf(BASE.replace("  stopSignal: SIGINT\n", "")).planBackup(SET);
    expect(plan.tools.every((tool) => !("stopSignal" in tool))).toBe(true);
  });

  test("names the agents it needs", () => {
    expect(agentsOf(parseYaml(BASE, "p.yaml", commandConfigSchema).value, [])).toEqual([
      { name: "sdw1", path: ["hosts", 0] },
      { name: "sdw2", path: ["hosts", 1] },
    ]);
  });
});

describe("the plan of a restore", () => {
  const whole = manifest([
    receipt("app-sdw1", "sdw1", "fifo"),
    receipt("log-sdw1", "sdw1", "stdout"),
    receipt("app-sdw2", "sdw2", "fifo"),
  ]);

  test("has the streams of the set, by name, with stdout as stdin", () => {
    const plan = producerOf(BASE).planRestore(whole);
    const origin = (index: number): unknown[] => [...ORIGIN, "streams", index];
    const fifo = { kind: "fifo", required: true, origin: origin(0) };
    expect(plan.streams).toEqual([
      { name: "app-sdw1", host: "sdw1", path: `/b/${SET}/app-sdw1.pipe`, ...fifo },
      {
        name: "log-sdw1",
        host: "sdw1",
        kind: "stdin",
        path: "",
        required: true,
        origin: origin(1),
      },
      { name: "app-sdw2", host: "sdw2", path: `/b/${SET}/app-sdw2.pipe`, ...fifo },
    ]);
    expect(plan.files).toEqual([]);
  });

  test("starts the restoring tool on each host with what the set has for it", () => {
    expect(producerOf(BASE).planRestore(whole).tools).toEqual(
      [["sdw1", ["app-sdw1", "log-sdw1"]] as const, ["sdw2", ["app-sdw2"]] as const].map(
        ([host, streams]) => ({
          id: host,
          host,
          tool: "pg_restore",
          args: [`/b/${SET}/app-${host}.pipe`],
          env: {},
          streams,
          origin: [...ORIGIN, "restore"],
        }),
      ),
    );
  });

  test("starts no tool on a host that the set has nothing for", () => {
    const optional = BASE.replace('app-{host}.pipe"}', 'app-{host}.pipe", required: false}');
    const plan = producerOf(optional).planRestore(manifest([receipt("app-sdw2", "sdw2", "fifo")]));
    expect(plan.tools.map(({ host }) => host)).toEqual(["sdw2"]);
  });

  test("puts collected files back where they were, for no tool", () => {
    const report = receipt("sdw1.a.rpt", "sdw1", "file", { path: "/b/1/a.rpt", tool: null });
    const plan = producerOf(BASE).planRestore(manifest([...whole.streams, report]));
    expect(plan.streams.at(-1)).toEqual({
      name: "sdw1.a.rpt",
      host: "sdw1",
      kind: "file",
      path: "/b/1/a.rpt",
      required: true,
      origin: [...ORIGIN, "files"],
    });
    expect(plan.tools.flatMap(({ streams }) => streams)).not.toContain("sdw1.a.rpt");
  });

  test("is refused without a restore section, naming its place", () => {
    const producer = producerOf(BASE.replace(/restore: .*\n/, ""));
    expect(() => producer.planRestore(whole)).toThrow(
      usage(
        "plans.nightly.producer.restore: no restore section; allowed: a map with the keys tool, args, env, stopSignal",
      ),
    );
  });

  test("is refused if the set has streams that the plan no longer names", () => {
    const set = manifest([
      ...whole.streams,
      receipt("app-sdw3", "sdw3", "fifo"),
      receipt("idx-sdw1", "sdw1", "fifo"),
    ]);
    expect(() => producerOf(BASE).planRestore(set)).toThrow(
      usage(
        `plans.nightly.producer.streams: the plan no longer names these streams of set ${SET}: app-sdw3 (host sdw3), idx-sdw1 (host sdw1)`,
      ),
    );
  });

  test("is refused if the set has files of hosts that the plan no longer names", () => {
    const set = manifest([...whole.streams, receipt("f", "sdw9", "file", { tool: null })]);
    expect(() => producerOf(BASE).planRestore(set)).toThrow(
      usage(
        `plans.nightly.producer.hosts: the plan no longer names these hosts, of which set ${SET} has files: sdw9`,
      ),
    );
  });

  test("is refused if the set lacks a stream whose reader would wait for ever", () => {
    const set = manifest([receipt("app-sdw1", "sdw1", "fifo")]);
    expect(() => producerOf(BASE).planRestore(set)).toThrow(
      expect.objectContaining({
        code: "not_found",
        message: `set ${SET} has no stream app-sdw2 (host sdw2), which the plan restores`,
        hint: "restore by the plan as it was when the set was made",
      }),
    );
  });
});

function usage(message: string): unknown {
  return expect.objectContaining({ code: "usage", message });
}

function manifest(streams: readonly Receipt[]): Manifest {
  return {
    formatVersion: 1,
    set: SET,
    cluster: "warehouse",
    plan: "nightly",
    producer: "command",
    status: "committed",
    startedAt: "2026-11-20T10:40:00Z",
    endedAt: "2026-11-20T10:41:00Z",
    streams: [...streams],
  };
}

function receipt(
  name: string,
  host: string,
  kind: Receipt["kind"],
  changes: Partial<Receipt> = {},
): Receipt {
  const digest = "0".repeat(64);
  return {
    name,
    host,
    kind,
    path: "",
    codec: "zstd",
    encrypted: false,
    bytesRaw: 0,
    bytesStored: 0,
    sha256Raw: digest,
    sha256Stored: digest,
    objects: [],
    tool: { name: "pg_dump", exitCode: 0 },
    reconnects: 0,
    ...changes,
  };
}
