import { type Manifest, PenstockError, parseYaml } from "@penstock/common";
import { expect, test } from "vitest";
import { createCommandProducer } from "./command.ts";
import { commandConfigSchema } from "./command-config.ts";
import { AS_PLANNED, type RestoreOptions, type RunPlan } from "./producer.ts";

const SET = "20260101000000";

/** The restore of a set that sdw1 and sdw2 have made, by a plan that names these hosts. */
function planned(hosts: string, options: Partial<RestoreOptions>): RunPlan {
  const text = `type: command
hosts: ${hosts}
streams: [{name: "app-{host}", kind: fifo, path: "/b/{host}.{port}"}]
backup: {tool: dump, args: []}
restore: {tool: load, args: ["{port}"]}
`;
  const { value } = parseYaml(text, "p.yaml", commandConfigSchema);
  if (value.type !== "command") throw new Error("not reached");
  const errorAt = (_path: unknown, message: string): PenstockError =>
    new PenstockError("usage", message);
  const producer = createCommandProducer(value, [], errorAt);
  return producer.planRestore(manifest(), undefined, { ...AS_PLANNED, ...options });
}

function manifest(): Manifest {
  const times = { startedAt: "2026-01-01T00:00:00Z", endedAt: "2026-01-01T00:00:00Z" };
  const sha256 = "0".repeat(64);
  const streams = ["sdw1", "sdw2"].map((host) => ({
    ...({ name: `app-${host}`, host, kind: "fifo", path: "", codec: "none" } as const),
    ...{ bytesRaw: 0, bytesStored: 0, sha256Raw: sha256, sha256Stored: sha256 },
    ...{ encrypted: false, objects: [], tool: { name: "dump", exitCode: 0 }, reconnects: 0 },
  }));
  const about = { set: SET, cluster: "c", plan: "p", producer: "command" };
  return { formatVersion: 1, ...about, status: "committed", ...times, streams };
}

function placesOf({ streams, tools }: RunPlan): string[] {
  const ofStreams = streams.map(({ name, host, path }) => `${name} on ${host} at ${path}`);
  return [...ofStreams, ...tools.map(({ host, args }) => `${args.join(" ")} on ${host}`)];
}

const BOTH = "[{name: sdw1, vars: {port: '1'}}, {name: sdw2, vars: {port: '2'}}]";

test("an agent does what the plan says of the one that it stands in for", () => {
  expect(placesOf(planned(BOTH, { hosts: { sdw1: "sdw9" } }))).toEqual([
    ...["app-sdw1 on sdw9 at /b/sdw1.1", "app-sdw2 on sdw2 at /b/sdw2.2"],
    ...["1 on sdw9", "2 on sdw2"],
  ]);
});

test("two agents can change places", () => {
  expect(placesOf(planned(BOTH, { hosts: { sdw1: "sdw2", sdw2: "sdw1" } }))).toEqual([
    ...["app-sdw1 on sdw2 at /b/sdw1.1", "app-sdw2 on sdw1 at /b/sdw2.2"],
    ...["1 on sdw2", "2 on sdw1"],
  ]);
});

test("a plan that names only the agents of now has their own variables", () => {
  const now = "[{name: sdw8, vars: {port: '8'}}, {name: sdw9, vars: {port: '9'}}]";
  expect(placesOf(planned(now, { hosts: { sdw1: "sdw8", sdw2: "sdw9" } }))).toEqual([
    ...["app-sdw1 on sdw8 at /b/sdw1.8", "app-sdw2 on sdw9 at /b/sdw2.9"],
    ...["8 on sdw8", "9 on sdw9"],
  ]);
});

test.each([
  [{ contentIds: [0] }, "--content-ids"],
  [{ metadataOnly: true }, "--metadata-only"],
  [{ tables: ["public.t"] }, "--table"],
  [{ extra: ["-j", "4"] }, "-j 4"],
])("what it cannot do is refused: %j", (options, named) => {
  expect(() => planned(BOTH, options)).toThrow(named);
});
