import { isAbortError, PenstockError, toPenstockError } from "@penstock/common";

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

/** Several errors as one; the first one's code decides the exit status. */
export function joined(errors: readonly unknown[]): Error {
  const aborted = errors.find(isAbortError);
  if (aborted !== undefined) return aborted as Error;
  const [first, ...others] = errors.map((error) => toPenstockError(error, "internal"));
  if (first === undefined) throw new PenstockError("internal", "no errors to join");
  if (others.length === 0) return first;
  const lines = [first, ...others].map((error) => `\n  ${error.message}`);
  return new PenstockError(first.code, `${lines.length} problems:${lines.join("")}`, {
    cause: first,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}
