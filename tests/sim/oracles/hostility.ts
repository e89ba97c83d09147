// Nothing that arrives can destroy (I18).
import type { Operation } from "../history.ts";
import { showOperation } from "../history.ts";

/** What to say of a request that carried a context which nobody had given out. */
export function forgedContextProblem(operation: Operation, token: string): string | undefined {
  if (operation.outcome !== "ok") return undefined;
  return `A context that nobody gave out is taken: ${token} ${showOperation(operation)}`;
}
