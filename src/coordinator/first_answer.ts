// Several nodes can do the same: one is asked, and the next when it fails, or when it takes long.

import type { Deadline, Deadlines } from "../wire/deadlines.ts";

/**
 * Asks one candidate after the other until one answers; returns undefined if none does.
 *
 * @param ask resolves with undefined if this candidate cannot answer; what it throws ends the search
 * @param pauseMs after so long the next is asked beside those that have not answered; undefined waits for each
 */
export function firstAnswer<C, T>(
  candidates: readonly C[],
  deadlines: Deadlines,
  pauseMs: number | undefined,
  ask: (candidate: C) => Promise<T | undefined>,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let openCount = 0;
    let isDone = false;
    let impatience: Deadline | undefined;
    const rest = () => {
      if (impatience !== undefined) deadlines.clear(impatience);
      impatience = undefined;
    };
    const end = (conclude: () => void) => {
      isDone = true;
      rest();
      conclude();
    };
    const askNext = () => {
      rest();
      if (isDone) return;
      if (next === candidates.length) {
        if (openCount === 0) end(() => resolve(undefined));
        return;
      }
      const candidate = candidates[next++]!;
      openCount++;
      ask(candidate).then((answer) => {
        openCount--;
        if (answer === undefined) askNext();
        else end(() => resolve(answer));
      }, (error) => end(() => reject(error)));
      if (pauseMs !== undefined && next < candidates.length) {
        impatience = deadlines.set(pauseMs, askNext);
      }
    };
    askNext();
  });
}
