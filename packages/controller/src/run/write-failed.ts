import type { Manifest } from "@penstock/common";
import { toDocument } from "../catalogue/documents.ts";
import { setKeys } from "../catalogue/keys.ts";
import type { RunContext } from "./context.ts";

const NOTE_TIMEOUT_MS = 30_000;

/**
 * Leaves a note of a failed run and of the streams that were finished, on every target. Without it
 * the set counts as failed all the same: it has no manifest. Returns false if it could not be written
 * everywhere. Never throws.
 */
export async function writeFailed(
  targets: Pick<RunContext, "targets">["targets"],
  failed: Manifest,
): Promise<boolean> {
  const signal = AbortSignal.timeout(NOTE_TIMEOUT_MS);
  const { failed: key } = setKeys(failed.cluster, failed.set);
  const body = toDocument(failed);
  const outcomes = await Promise.allSettled(
    targets.map(({ target }) => target.putIfAbsent(key, body, signal)),
  );
  return outcomes.every(({ status }) => status === "fulfilled");
}
