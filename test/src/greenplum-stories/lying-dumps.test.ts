import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { agentOf, DumpUnderWay } from "./dump-under-way.ts";
import { expectFailedDump } from "./expect-nothing-left.ts";
import { openGreenplum } from "./greenplum-stage.ts";

// The tool never notices what happens to its agents: Penstock must not need to be told by it.
const stage = openGreenplum({ segments: ["sdw1", "sdw2"], rows: 60_000 });

test("a dump agent that dies behind a valid gzip trailer fails the run at once, with stream and host", async () => {
  await using dump = await DumpUnderWay.begin(stage, [1]);
  await dump.signal(agentOf(3), "SIGKILL");
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    status: 4,
    message:
      /^error: stream gp_dump_1_3_\d+\.gz of sdw2: .*without the comment "Greenplum Database database dump complete"/m,
  });
});

test("a gzip that is killed fails the run at once, with stream and host", async () => {
  // For as long as the other segment dumps, gpcrondump does not say its own of it.
  await using dump = await DumpUnderWay.begin(stage, [0, 1]);
  process.kill(await gzipBeside(await dump.pidOf(agentOf(2))), "SIGKILL");
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    status: 4,
    message: /^error: stream gp_dump_0_2_\d+\.gz of sdw1: .*gzip/m,
  });
});

test("a database backend that is killed while it copies fails the run, with stream and host", async () => {
  await using dump = await DumpUnderWay.begin(stage, [0, 1]);
  const others = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY %'";
  await stage.greenplum.query(1, "testdb", others);
  await stage.greenplum.configure({ held: [0] });
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    status: 4,
    message: /^error: stream gp_dump_1_3_\d+\.gz of sdw2: /m,
  });
});

test("globals, configuration files and statistics that never come do not keep a failed run", async () => {
  const options = ["-g", "-G", "--dump-stats"];
  await using dump = await DumpUnderWay.begin(stage, [1], { options });
  await dump.signal(/gp_dump -p/, "SIGKILL");
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    message: /^error: gpcrondump on mdw exited with status 2/m,
  });
});

test("a segment that stands still ends the run, with word of its locks", async () => {
  // Much longer than it takes to begin: until then nothing moves either.
  await using dump = await DumpUnderWay.begin(stage, [1], { stall_timeout: "8s" });
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    message:
      /^error: stream gp_dump_1_3_\d+\.gz of sdw2: gpcrondump has written nothing for 8s; .*locks on the dumped tables of database testdb/m,
  });
});

test("a gp_dump that was asked to end reports success, and is not believed", async () => {
  await using dump = await DumpUnderWay.begin(stage, [1], { grace: "2s" });
  await dump.untilGone(/gp_dump_agent --gp-k .*_0_2_/); // else its pipe might be as silent
  await dump.signal(/gp_dump -p/, "SIGTERM");
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    message: /^error: stream gp_dump_1_3_\d+\.gz of sdw2: .*held open/m,
  });
  expect(dump.command.stdout.text).toMatch(
    /"name":"gpcrondump","exitCode":0}\n.*\n.*"exitCode":0/s,
  );
});

test("an agent that ends with a gp_dump that reports success leaves no set", async () => {
  await using dump = await DumpUnderWay.begin(stage, [1]);
  await dump.signal(/gp_dump -p/, "SIGTERM");
  await dump.signal(agentOf(3), "SIGTERM");
  await expectFailedDump(stage, dump.set, await dump.ended(), {
    status: 4,
    message: /^error: stream gp_dump_1_3_\d+\.gz of sdw2: /m,
  });
});

/** The other end of what a dump agent writes to. */
async function gzipBeside(agent: number): Promise<number> {
  const parentOf = async (pid: number): Promise<string | undefined> =>
    /^PPid:\t(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1];
  const parent = await parentOf(agent);
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!(pid > 0) || pid === agent || (await parentOf(pid)) !== parent) continue;
    if ((await readFile(`/proc/${pid}/comm`, "utf8")) === "gzip\n") return pid;
  }
  throw new Error(`no gzip is beside process ${agent}`);
}
