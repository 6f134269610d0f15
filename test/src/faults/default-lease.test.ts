import { afterEach, expect, test } from "vitest";
import type { AgentHost } from "../harness/agent-host.ts";
import type { Child } from "../harness/child.ts";
import { openStage } from "../stories/stage.ts";
import { expectFailedBackup } from "./expect-failed.ts";
import { FAULT_LIMIT_MS, FILE_LIMIT_MS, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["killed", "hung", "alone"] });
/** Writes for ever, with pauses. */
const ENDLESS = `while head -c 1M /dev/zero; do sleep 0.1; done > "$1"`;

afterEach(() => {
  for (const { child } of stage.cluster.hosts) child.kill("SIGCONT"); // else it cannot be stopped
});

/** A backup of one host. Every story has its own, so that all can wait at the same time. */
async function begin(name: string): Promise<{ story: Story; command: Child }> {
  const hosts = [stage.cluster.host(name)];
  const settings = { lease: undefined }; // as it is when nobody says anything
  const story = await Story.begin(stage.cluster, { backup: ENDLESS, hosts, settings });
  return { story, command: await story.startFlowing("backup", signal) };
}

test("with the lease that nobody has changed, every death is noticed and cleaned up after within 35 s", async () => {
  const killed = await begin("killed");
  const hung = await begin("hung");
  const alone = await begin("alone");
  await using _killed = killed.command;
  await using _hung = hung.command;
  await using _alone = alone.command;
  const struckMs = Date.now();
  stage.cluster.host("killed").child.kill("SIGKILL");
  stage.cluster.host("hung").child.kill("SIGSTOP");
  alone.command.kill("SIGKILL");
  const [ofKilled, ofHung, aloneEndedMs] = await Promise.all([
    killed.command.outcome,
    hung.command.outcome,
    runEndedMs(stage.cluster.host("alone")),
  ]);
  // By the clocks of those who have noticed: this process may itself be late.
  expect(aloneEndedMs - struckMs).toBeLessThan(FAULT_LIMIT_MS);
  for (const { story } of [killed, hung]) {
    const { endedAt } = await story.failure();
    expect(Date.parse(endedAt) - struckMs).toBeLessThan(FAULT_LIMIT_MS);
  }

  await stage.cluster.host("killed").start(signal);
  stage.cluster.host("hung").child.kill("SIGCONT");
  const lost = (name: string): RegExp =>
    new RegExp(`^error: (stream app-${name} of ${name}: )?agent ${name} \\(.+\\): .+$`, "m");
  await expectFailedBackup(killed.story, ofKilled, { message: lost("killed") });
  await expectFailedBackup(hung.story, ofHung, { message: lost("hung") });
  await alone.story.untilNoTrace(AbortSignal.timeout(FAULT_LIMIT_MS));
  expect(await alone.story.storedFiles()).toMatchObject([expect.stringMatching(/started\.json$/)]);
});

/** When an agent had nothing left of its run, by its log. */
async function runEndedMs({ child }: AgentHost): Promise<number> {
  const [, time] = await child.stdout.waitFor(/"time":(\d+)[^\n]*"msg":"run ended"/, signal);
  return Number(time);
}
