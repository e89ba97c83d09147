// Steps of a test that build upon each other.

import assert from "node:assert/strict";

/** As `t.step`, but a step that fails ends the test: those behind it would only wait in vain. */
export function stepsOf(
  t: Deno.TestContext,
): (name: string, run: () => Promise<void>) => Promise<void> {
  return async (name, run) => assert.ok(await t.step(name, run), `${name}: failed`);
}
