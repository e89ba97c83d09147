// Waiting for a condition in real time.

import { setTimeout as pause } from "node:timers/promises";

/** Resolves once `condition` holds. @throws if it does not within `limitMs` */
export async function eventually(
  condition: () => boolean,
  what: string,
  limitMs = 20_000,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) {
      throw new Error(`Did not happen within ${limitMs} ms: ${what}`);
    }
    await pause(2);
  }
}
