import { hasCode, PenstockError } from "./errors.ts";

const RUN = "run";

/** The error for a run that cannot begin because another one has its name; it may try the next name. */
export function nameTaken(message: string, cause?: unknown): PenstockError {
  const place = { list: RUN, index: 0, field: RUN };
  return new PenstockError("locked", message, { place, cause });
}

/** True for that error, also if it has crossed the wire. */
export function isNameTaken(error: unknown): boolean {
  return hasCode(error, "locked") && error.place?.list === RUN;
}
