import { Cancelled } from "../cancelled.ts";

/**
 * A signal that aborts, with a Cancelled, when the process is asked to stop. Asking again does not
 * make it faster: what was made has to be removed.
 */
export function onCancel(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => abort.abort(new Cancelled(signal)));
  }
  return abort.signal;
}
