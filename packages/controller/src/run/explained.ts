import { hasCode, PenstockError, raceAbort } from "@penstock/common";
import type { Evidence, HostFile, Proof } from "../producers/producer.ts";
import { readTexts } from "./inquiry.ts";
import type { Session } from "./session.ts";

/** A run that has failed is not held up for longer: what it holds in the database hurts others. */
const READ_LIMIT_MS = 5_000;

/**
 * The error of a tool that has failed, with what it has written about the cause on its hosts, if its
 * plan knows where. Any other error, and that of a run that is being stopped, as it is.
 */
export async function explained(
  session: Session,
  proof: Proof | undefined,
  error: unknown,
): Promise<unknown> {
  if (proof?.explain === undefined || session.signal.aborted || !hasCode(error, "failed")) {
    return error;
  }
  const reasons = proof.explain(await readInTime(session, proof.files));
  if (reasons.length === 0) return error;
  const message = [error.message, "in its files:", ...reasons.map((r) => `  ${r}`)].join("\n");
  const { hint } = error;
  return new PenstockError("failed", message, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

/** Of hosts that do not answer in time there is nothing. */
async function readInTime(
  session: Session,
  files: readonly HostFile[],
): Promise<Evidence["files"]> {
  const limit = AbortSignal.timeout(READ_LIMIT_MS);
  const read = files.map((file) =>
    raceAbort(readTexts(session, [file]), limit).catch((): Evidence["files"] => ({})),
  );
  return Object.assign({}, ...(await Promise.all(read)));
}
