import { collect, type Manifest, PenstockError, type StoredObject } from "@penstock/common";
import { DOCUMENT_LIMIT_BYTES, readManifestAt, toDocument } from "../catalogue/documents.ts";
import { setKeys } from "../catalogue/keys.ts";
import { inBatches } from "../in-batches.ts";
import type { Target } from "../targets/target.ts";
import type { RunContext } from "./context.ts";
import { together } from "./together.ts";

/** A manifest is small; storage that takes longer is as good as gone. */
const MANIFEST_TIMEOUT_MS = 60_000;

/**
 * Makes the set what it says it is: looks once more that every object is there with its size, then
 * writes the manifest, the commit, on every target; if that fails on one, on none. Never overwrites
 * anything. Once the manifest is being written a cancellation comes too late: to stop half-way would
 * leave the outcome open.
 */
export async function commit(
  { targets }: Pick<RunContext, "targets">,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const objects = manifest.streams.flatMap((stream) => stream.objects);
  for (const { target } of targets) await assertStored(target, objects, signal);
  const { manifest: key } = setKeys(manifest.cluster, manifest.set);
  signal.throwIfAborted();
  const body = toDocument(manifest);
  const committed: Target[] = [];
  try {
    for (const { target } of targets) {
      await commitOn(target, key, body);
      committed.push(target);
    }
  } catch (error) {
    const soon = AbortSignal.timeout(MANIFEST_TIMEOUT_MS);
    await Promise.allSettled(committed.map((target) => target.remove(key, soon)));
    throw error;
  }
}

/**
 * What a controller that was killed while it committed has left undone: the manifest comes to the
 * other targets, too. Returns it, or `undefined` if none has it.
 */
export async function finishCommit(
  { cluster, targets }: Pick<RunContext, "cluster" | "targets">,
  set: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const { manifest: key } = setKeys(cluster, set);
  for (const { target } of targets) {
    const manifest = await readManifestAt(target, key, signal);
    if (manifest === undefined) continue;
    const body = await collect(target.read(key, undefined, signal), DOCUMENT_LIMIT_BYTES);
    for (const other of targets) await other.target.putIfAbsent(key, body, signal);
    return manifest;
  }
  return undefined;
}

async function commitOn(target: Target, key: string, body: Uint8Array): Promise<void> {
  const soon = AbortSignal.timeout(MANIFEST_TIMEOUT_MS);
  if (await target.putIfAbsent(key, body, soon)) return;
  throw new PenstockError("failed", `${target.url} already has an object ${key}`);
}

async function assertStored(
  target: Target,
  objects: readonly StoredObject[],
  signal: AbortSignal,
): Promise<void> {
  const assertThere = async ({ key, bytes }: StoredObject): Promise<void> => {
    const size = await target.stat(key, signal);
    if (size === bytes) return;
    const found = size === undefined ? "is not there" : `has ${size} bytes`;
    throw new PenstockError("failed", `${target.url}: object ${key} of ${bytes} bytes ${found}`);
  };
  await inBatches(objects, (batch) => together(batch, assertThere));
}
