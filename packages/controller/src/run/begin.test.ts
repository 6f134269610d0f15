import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Cancelled } from "../cancelled.ts";
import { toSetName } from "../catalogue/keys.ts";
import { beginSet } from "./begin.ts";
import type { RunContext } from "./context.ts";

test("whoever waits for a free name can be interrupted, and is told so", async () => {
  const runDirectory = await mkdtemp(join(tmpdir(), "begin-"));
  for (let seconds = 0; seconds < 60; seconds++) {
    const name = toSetName(new Date(Date.now() + seconds * 1_000));
    await mkdir(join(runDirectory, "runs", `warehouse.${name}`), { recursive: true });
  }
  const context = { cluster: "warehouse", runDirectory, targets: [] } as Partial<RunContext>;
  const abort = new AbortController();
  const begun = beginSet(context as RunContext, abort.signal);
  const reason = new Cancelled("SIGINT");
  abort.abort(reason);
  await expect(begun).rejects.toBe(reason);
  await rm(runDirectory, { recursive: true });
});
