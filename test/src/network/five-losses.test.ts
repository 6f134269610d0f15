import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Manifest } from "@penstock/common";
import { expect, test } from "vitest";
import { Story } from "../faults/story.ts";
import type { Child } from "../harness/child.ts";
import { untilFound, untilNone } from "../harness/until.ts";
import { describeOnNetwork } from "./describe-on-network.ts";
import { MEMORY_BOUND_BYTES, MemoryWatch } from "./memory-watch.ts";
import { openConnections } from "./open-connections.ts";

const signal = AbortSignal.timeout(600_000);
const GIB = 2 ** 30;
const DUMP_BYTES = 2 * GIB;
const LOSSES = 5;
const LOSS_MS = 5_000;
const HOST = "sdw1";

await describeOnNetwork("one stream of 2 GiB", { hosts: [HOST], mtu: 9000 }, (stage) => {
  test("is whole after five losses of its link, and memory stays within its bound", async () => {
    const { network, cluster } = stage;
    await network.limitRate(HOST, "800mbit", signal);
    const input = join(stage.dir, "input.sha256");
    const dump = `head -c ${DUMP_BYTES} /dev/urandom | tee "$1" | sha256sum > '${input}'`;
    const story = await Story.begin(cluster, { backup: dump, settings: { lease: "30s" } });
    using agent = new MemoryWatch(cluster.host(HOST).child.pid);
    const backup = ["backup", "nightly", "-o", "json"];
    await using command = await cluster.startPenstock(backup, signal);
    await command.stdout.waitFor(/"event":"started"/, signal);
    using controller = new MemoryWatch(command.pid);
    const { address } = network.place(HOST);
    for (let loss = 1; loss <= LOSSES; loss++) {
      await untilMoved(command, (DUMP_BYTES / (LOSSES + 1)) * loss);
      expect(await openConnections(command.pid, address)).not.toEqual([]);
      await network.linkDown(HOST, signal);
      await delay(LOSS_MS, undefined, { signal });
      // On a busy machine the loss may be noticed late; then TCP would go on as if nothing had been.
      await untilNone(() => openConnections(command.pid, address), signal);
      await network.linkUp(HOST, signal);
    }
    const outcome = await command.outcome;
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
    const digest = (await readFile(input, "utf8")).slice(0, 64);
    expect(await story.digestOf(`app-${HOST}`)).toBe(digest);
    const shown = await cluster.penstock(["show", "LATEST", "-o", "json"], signal);
    const { status, streams }: Manifest = JSON.parse(shown.stdout);
    expect(status).toBe("committed");
    expect(streams).toMatchObject([{ bytesRaw: DUMP_BYTES, sha256Raw: digest }]);
    expect(streams[0]?.reconnects).toBeGreaterThanOrEqual(LOSSES);
    expect(agent.growthBytes).toBeLessThan(MEMORY_BOUND_BYTES);
    expect(controller.growthBytes).toBeLessThan(MEMORY_BOUND_BYTES);
    await story.untilNoTrace(signal);
  }, 300_000);
});

/** Resolves when the only stream of a command has moved so many bytes. */
async function untilMoved(command: Child, bytes: number): Promise<void> {
  const moved = (): Promise<true | undefined> => {
    const last = command.stdout.text.lastIndexOf('"bytes":');
    const count = Number.parseInt(command.stdout.text.slice(last + '"bytes":'.length), 10);
    return Promise.resolve(count >= bytes || undefined);
  };
  await untilFound(moved, `${bytes} bytes`, signal);
}
