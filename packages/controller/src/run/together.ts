import { type ErrorCode, isAbortError, PenstockError, toPenstockError } from "@penstock/common";

/**
 * Does the same for all hosts at once and waits for all: an operator wants to hear of every host
 * that is wrong, not of the first. One error is thrown as it is; several become one that lists
 * them.
 */
export async function together<Item, Result>(
  items: readonly Item[],
  action: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const outcomes = await Promise.allSettled(items.map(action));
  const errors: unknown[] = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason] : [],
  );
  if (errors.length > 0) throw joined(errors);
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}

/** Which of several codes decides the exit status: whoever answers first must not. */
const WEIGHTIEST: readonly ErrorCode[] = ["usage", "locked", "refused", "unreachable"];

/** Several errors as one, of the weightiest code. */
export function joined(errors: readonly unknown[]): Error {
  const aborted = errors.find(isAbortError);
  if (aborted !== undefined) return aborted as Error;
  const [first, ...others] = oncePerMessage(
    errors.map((error) => toPenstockError(error, "internal")),
  );
  if (first === undefined) throw new PenstockError("internal", "no errors to join");
  if (others.length === 0) return first;
  const all = [first, ...others];
  const lines = all.map((error) => `\n  ${error.message}`);
  const codes = WEIGHTIEST.filter((code) => all.some((error) => error.code === code));
  const { code, hint } = all.find((error) => error.code === codes[0]) ?? first;
  return new PenstockError(code, `${lines.length} problems:${lines.join("")}`, {
    cause: first,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** One cause that ends many waits is told once. */
function oncePerMessage(errors: readonly PenstockError[]): PenstockError[] {
  return [
    ...new Map(errors.toReversed().map((error) => [error.message, error])).values(),
  ].reverse();
}
