import assert from "node:assert/strict";
import { Seldom } from "../../src/doors/seldom.ts";

Deno.test("do() says it at first and then once an interval, with the number of times", () => {
  const said: number[] = [];
  const seldom = new Seldom(1000);
  for (const nowMs of [0, 10, 500, 999, 1000, 1001, 5000]) {
    seldom.do((count) => said.push(count), nowMs);
  }
  assert.deepEqual(said, [1, 4, 2]);
});
