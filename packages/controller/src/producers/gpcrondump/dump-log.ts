import { PenstockError } from "@penstock/common";
import type { KnownFailure } from "../producer.ts";

/** What gpcrondump says, and exits with 0, when it has done nothing. */
const ALREADY_RUNNING = "An instance of gpcrondump is already running";

/** About mail that nobody asked for: every host without a list of addresses says so. */
const MAIL = /mail_contacts|email notification/;

/** Failures of gpcrondump that need an explanation. */
export const DUMP_FAILURES: readonly KnownFailure[] = [
  {
    says: "There is a future dated backup on the system",
    hint:
      "a report of the same day has a later key: keys are UTC here, and local time where gpcrondump " +
      "makes its own; wait until then, or move that dump's .rpt file out of the dump directory",
  },
];

/** Throws `locked` if another gpcrondump was running, so that this one has done nothing. */
export function assertAlone(log: string, host: string): void {
  const line = log.split("\n").find((other) => other.includes(ALREADY_RUNNING));
  if (line === undefined) return;
  throw new PenstockError("locked", `gpcrondump on ${host}: ${messageOf(line)}`, {
    hint: "wait until it has ended",
  });
}

/** Throws `failed`, or `locked`, unless the log says that a dump was brought to its good end. */
export function assertDumpLog(log: string, host: string): void {
  assertAlone(log, host);
  const lines = log.split("\n");
  const error = lines.find((line) => /-\[(?:CRITICAL|ERROR|FATAL)\]:-/.test(line));
  if (error !== undefined) {
    throw new PenstockError("failed", `gpcrondump on ${host} says: ${messageOf(error)}`);
  }
  if (lines.some((line) => /:-Status\s+= COMPLETED\s*$/.test(line))) return;
  throw new PenstockError("failed", `gpcrondump on ${host} does not say that it has COMPLETED`);
}

/** What the log warns of. */
export function warningsOfLog(log: string, host: string): string[] {
  return log
    .split("\n")
    .filter((line) => line.includes("-[WARNING]:-") && !MAIL.test(line))
    .map((line) => `gpcrondump on ${host} warns: ${messageOf(line)}`);
}

/** Without time, program and host. */
export function messageOf(line: string): string {
  return /-\[[A-Z]+\]:-(.*)$/.exec(line)?.[1]?.trim() ?? line.trim();
}
