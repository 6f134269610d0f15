/** A target may open a file or a connection for each. */
const BATCH = 64;

/**
 * Does something for many items, for at most 64 at a time: `action` gets them in batches, one after
 * the other. Returns all results in the items' order. A batch that fails is the last.
 */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  action: (batch: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let begin = 0; begin < items.length; begin += BATCH) {
    results.push(...(await action(items.slice(begin, begin + BATCH))));
  }
  return results;
}
