import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { verifySet } from "./check-sets.ts";
import type { Ground, KnownSet } from "./ground.ts";
import type { Beside } from "./round-plan.ts";

/** Looks at a set while runs go on; faults of hosts are nothing to it. None is good. */
export async function lookBeside(
  what: Beside,
  ground: Ground,
  known: KnownSet | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (known === undefined) return [];
  const at = ["--target", known.target, "-o", "json"]; // a round may have targets that are broken
  switch (what) {
    case "list":
      return await succeed(ground, ["list", ...at], signal);
    case "show":
      return await succeed(ground, ["show", known.set, ...at], signal);
    case "verify":
      return await verifySet(ground, known, signal);
    case "cat":
      return await readOne(ground, known, signal);
  }
}

async function succeed(
  ground: Ground,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const { status, stderr } = await ground.penstock(args, signal);
  if (status === 0) return [];
  return [`${args.join(" ")} beside the runs ended with ${status}: ${stderr.trim()}`];
}

async function readOne(ground: Ground, known: KnownSet, signal: AbortSignal): Promise<string[]> {
  const [stream] = known.streams;
  const [host, content] = Object.entries(stream?.contents ?? {})[0] ?? [];
  if (stream === undefined || content === undefined) return [];
  const file = join(ground.dir, "cat");
  const args = ["cat", known.set, `${stream.name}-${host}`, "--target", known.target];
  const { status, stderr } = await ground.penstockInto(file, args, signal);
  const what = `${args.join(" ")} beside the runs`;
  if (status !== 0) return [`${what} ended with ${status}: ${stderr.trim()}`];
  const digest = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  return digest === ground.pool.digestOf(content) ? [] : [`${what} gave other bytes`];
}
