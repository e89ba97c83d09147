// Assertions stay on in production: a broken belief must stop the operation, not the data.

/** Thrown when something that the code believes turns out to be false: a mistake in Denamo itself. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * States a belief. The message says what was believed.
 *
 * @throws {AssertionError} if `condition` is false
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Returns `value`, which the code believes to be there. @throws {AssertionError} if it is not */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AssertionError(`${what} is missing`);
  return value;
}
