import { PenstockError, toError } from "@penstock/common";

/**
 * Why a run has failed that had begun. Until then the code of an error tells what kept it from
 * beginning: a wrong configuration, a lock, a host or target out of reach. From then on all of these
 * are one thing to whoever waits for the run: it has failed. Only damaged data is still told apart,
 * and a fault of ours; a cancellation stays one.
 */
export function toRunFailure(thrown: unknown): unknown {
  if (!(thrown instanceof PenstockError)) return thrown;
  const { code, message, hint } = thrown;
  if (code === "failed" || code === "damaged" || code === "internal") return thrown;
  return new PenstockError("failed", message, {
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The reason as it stands in `failed.json`, and as the agents are told. */
export function reasonText(thrown: unknown): string {
  return toError(thrown).message;
}
