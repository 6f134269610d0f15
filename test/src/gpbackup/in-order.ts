/**
 * Takes items one after the other, several at a time. After a failure none is taken any more; it is thrown
 * at once, whatever the others still do.
 */
export async function inOrder<T>(
  items: readonly T[],
  atOnce: number,
  use: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      await use(item, index).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
}
