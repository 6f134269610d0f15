/** Exit status by the shell's convention: 128 and the signal's number. */
const STATUS: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGPIPE: 141,
  SIGTERM: 143,
};

/** Why a command stopped before its end: somebody asked it to. */
export class Cancelled extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`cancelled by ${signal}`);
    this.name = "AbortError";
    this.signal = signal;
  }

  get exitStatus(): number {
    return STATUS[this.signal] ?? 1;
  }
}

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
