import { constants } from "node:os";
import { PenstockError } from "@penstock/common";
import type { TailLimits } from "./line-tail.ts";

/** A process to start: program, argument vector and surroundings. */
export interface ToolSpec {
  /** Name in the allow-list, for messages. */
  readonly name: string;
  /** Absolute path of the program. */
  readonly path: string;
  readonly args: readonly string[];
  /** Beside the small base that every tool gets. */
  readonly env: Readonly<Record<string, string>>;
  /** Working folder; `/` if not given, so that no file system is kept busy. */
  readonly cwd?: string;
  /** Descriptor that becomes standard input; nothing to read if not given. */
  readonly stdin?: number;
  /** Descriptor that becomes standard output; if not given its last lines are kept. */
  readonly stdout?: number;
  /** Name of the signal that asks this tool to stop; SIGTERM if not given. */
  readonly stopSignal?: string;
  /** The stop signal goes to the process alone, and SIGKILL to the rest of its group behind it. */
  readonly stopAlone?: boolean;
  /** How much of the end of standard output is kept, if that is no stream; the short tail if not given. */
  readonly stdoutTail?: TailLimits;
  /** How long `stop` waits before SIGKILL; 5 s if not given. */
  readonly stopGraceMs?: number;
  /** Gets the lines of standard error, and of output if kept, at a bounded rate: for the log. */
  readonly onLine?: (line: string) => void;
}

/** Throws `usage` if no process could be started so; a value is never in the message. */
export function assertStartable(spec: ToolSpec): void {
  stopSignalOf(spec);
  const complain = (what: string): never => {
    throw new PenstockError("usage", `tool ${spec.name}: ${what}`);
  };
  spec.args.forEach((argument, index) => {
    if (argument.includes("\0")) complain(`argument ${index + 1} contains a NUL byte`);
  });
  for (const [name, value] of Object.entries(spec.env)) {
    if (!/^[^=\0]+$/.test(name)) complain(`${JSON.stringify(name)} cannot name a variable`);
    if (value.includes("\0")) complain(`variable ${name} contains a NUL byte`);
  }
}

/** The signal that asks the tool to stop. Throws `usage` for a name that this system does not know. */
export function stopSignalOf(spec: ToolSpec): NodeJS.Signals {
  const name = spec.stopSignal ?? "SIGTERM";
  if (isSignal(name)) return name;
  throw new PenstockError("usage", `tool ${spec.name}: there is no signal ${name}`, {
    hint: "name a signal like SIGTERM or SIGINT",
  });
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
