import { type Manifest, PenstockError } from "@penstock/common";
import type { Target } from "../targets/target.ts";
import { toDocument } from "./documents.ts";
import { setKeys } from "./keys.ts";

/** Why a set is no longer committed that was being deleted. */
const REASON = "it is being deleted";

/**
 * Removes a set from all these targets. First it is noted as failed on each, with its streams, so that
 * one whose deletion is interrupted is still found and can be deleted again; then its manifest goes,
 * everywhere, and only when it is gone for good the bytes that it vouches for; the notes go last. So a
 * set is never committed and not whole. Repeating it is harmless.
 */
export async function deleteSet(
  targets: readonly Target[],
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, set } = manifest;
  const keys = setKeys(cluster, set);
  const note = toDocument({ ...manifest, status: "failed", error: REASON });
  for (const target of targets) await target.putIfAbsent(keys.failed, note, signal);
  for (const target of targets) await target.remove(keys.manifest, signal);
  for (const target of targets) {
    const last = [keys.started, keys.failed]; // by the last one it is found
    const all = await target.list(keys.folder, signal);
    for (const key of all) {
      if (key === keys.manifest) throw cameBack(target, key);
      if (!last.includes(key)) await target.remove(key, signal);
    }
    for (const key of last) await target.remove(key, signal);
  }
}

function cameBack({ url }: Target, key: string): PenstockError {
  return new PenstockError(
    "failed",
    `${url}: object ${key} is there again: another process makes it`,
  );
}
