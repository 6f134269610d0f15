/** Where on a network a program runs. */
export interface Place {
  /** An IP address of that place. */
  readonly address: string;
  /** What comes in front of the command line of a program that is to run there. */
  readonly launcher: readonly string[];
}

/** This machine itself. */
export const LOOPBACK: Place = { address: "127.0.0.1", launcher: [] };
