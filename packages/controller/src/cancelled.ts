/** Exit status by the shell's convention: 128 and the signal's number. */
const STATUS: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGPIPE: 141,
  SIGTERM: 143,
};

/** Why something stopped before its end: somebody asked it to. */
export class Cancelled extends Error {
  readonly signal: NodeJS.Signals;

  /** `by` is who asked, if that was not done by the signal itself. */
  constructor(signal: NodeJS.Signals, by: string = signal) {
    super(`cancelled by ${by}`);
    this.name = "AbortError";
    this.signal = signal;
  }

  get exitStatus(): number {
    return STATUS[this.signal] ?? 1;
  }
}
