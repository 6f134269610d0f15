import { expect, test } from "vitest";
import { DumpUnderWay, SHORT_LEASE } from "./dump-under-way.ts";
import { expectAbsent, expectFailedDump, expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"], rows: 60_000 });

test("a dump that is cancelled leaves nothing", async () => {
  await using dump = await DumpUnderWay.begin(stage, [0, 1]);
  dump.command.kill("SIGTERM");
  expect(await dump.ended()).toMatchObject({ status: 143 });
  expectAbsent(stage, dump.set);
  await expectNothingLeft(stage, dump.set);
});

test("a dump whose controller is killed leaves nothing", async () => {
  await using dump = await DumpUnderWay.begin(stage, [0, 1], SHORT_LEASE);
  dump.command.kill("SIGKILL");
  await dump.command.exited;
  await expectNothingLeft(stage, dump.set);
  expectAbsent(stage, dump.set);
});

test.each(["mdw", "sdw2"])(
  "a dump whose agent on %s is killed fails, and leaves nothing",
  async (name) => {
    await using dump = await DumpUnderWay.begin(stage, [0, 1], SHORT_LEASE);
    const host = stage.cluster.host(name);
    host.child.kill("SIGKILL");
    const outcome = await dump.ended();
    await host.start(stage.signal);
    const message = new RegExp(`^error: .*\\b${name}\\b`, "m");
    await expectFailedDump(stage, dump.set, outcome, { message });
  },
);

test.each([
  { what: "alone", signal: "SIGKILL" },
  { what: "with its whole group, which has gp_dump report success", signal: "SIGTERM" },
] as const)(
  "a gpcrondump that is killed $what fails the run, and its dump is ended",
  async ({ signal }) => {
    await using dump = await DumpUnderWay.begin(stage, [0, 1]);
    const pid = await dump.pidOf(/node .*\/gpcrondump -a/);
    process.kill(signal === "SIGTERM" ? -pid : pid, signal);
    await expectFailedDump(stage, dump.set, await dump.ended(), {
      message: new RegExp(`^error: gpcrondump on mdw was killed by ${signal}`, "m"),
    });
  },
);

/**
 * A dump of one table, of some 90 KiB on each segment, that is still read when its tool has exited: the
 * pipes have taken all of it.
 */
async function beginTail(rate: string): Promise<DumpUnderWay> {
  const plan = { ...SHORT_LEASE, options: ["-t", "public.t_co"], throttle: { stream: rate } };
  const dump = await DumpUnderWay.start(stage, [], plan);
  const exits = /("event":"tool-exit".*){3}"exitCode":0/s; // the catalogue, the listing, the dump
  await dump.command.stdout.waitFor(exits, stage.signal);
  return dump;
}

test("a reader that dies when the tool has exited, with bytes left in its pipe, leaves no set", async () => {
  await using dump = await beginTail("2KiB/s");
  const host = stage.cluster.host("sdw2");
  host.child.kill("SIGKILL");
  const outcome = await dump.ended();
  await host.start(stage.signal);
  await expectFailedDump(stage, dump.set, outcome, { message: /^error: .*\bsdw2\b/m });
});

test("what is left in the pipes when the tool has exited is read to its end", async () => {
  await using dump = await beginTail("30KiB/s");
  const outcome = await dump.ended();
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  expect(resultOf(outcome)).toMatchObject({ set: dump.set, status: "committed", warnings: [] });
  await expectNothingLeft(stage, dump.set);
});
