import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";

Deno.test("a seed determines its numbers, and another seed gives others", () => {
  const draw = (seed: string) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  assert.deepEqual(draw("a"), draw("a"));
  assert.notDeepEqual(draw("a"), draw("b"));
});

Deno.test("every bit is set about half of the time", () => {
  const random = new SeededRandom(1);
  const counts = new Array<number>(32).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const number = random.uint32();
    for (let bit = 0; bit < 32; bit++) counts[bit]! += (number >>> bit) & 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 5_000) < 300, `${count} of 10000`);
});
