// Doing many things, a bounded number of them at the same time.

/**
 * Runs `run` for each item, for at most `limit` of them at once and in their order. After a failure nothing
 * further begins; when all that is under way has ended, the first failure is thrown.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const work = async () => {
    while (failure === undefined) {
      const { done, value } = iterator.next();
      if (done) return;
      try {
        await run(value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}
