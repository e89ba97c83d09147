import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { AnswerTimes } from "../../src/wire/answer_times.ts";

/** From 0 up to 1. */
function unit(random: SeededRandom): number {
  return randomBelow(random, 1e6) / 1e6;
}

const SHAPES: Record<string, (random: SeededRandom) => number> = {
  even: (random) => unit(random),
  exponential: (random) => -Math.log(1 - unit(random)),
  "heavy-tailed": (random) => (1 - unit(random)) ** -0.7,
  "two humps": (random) => unit(random) < 0.8 ? 1 + unit(random) : 20 + unit(random),
};

Deno.test("AnswerTimes knows after twenty answers how long nearly all of them take", () => {
  const times = new AnswerTimes();
  for (let i = 1; i <= 19; i++) times.learn(i);
  assert.equal(times.p95Ms, undefined);
  times.learn(3);
  assert.equal(times.p95Ms, 19);
});

for (const [name, draw] of Object.entries(SHAPES)) {
  Deno.test(`of steady answers about one in twenty is longer than the estimate: ${name}`, () => {
    const scales = fc.constantFrom(0.5, 3, 80);
    fc.assert(
      fc.property(fc.nat(), scales, (seed, scale) => {
        const random = new SeededRandom(seed);
        const times = new AnswerTimes();
        const count = 10_000;
        let longer = 0;
        for (let i = 0; i < 1_000 + count; i++) {
          const ms = scale * draw(random);
          if (i >= 1_000 && ms > times.p95Ms!) longer++;
          times.learn(ms);
        }
        const share = longer / count;
        assert.ok(share > 0.03 && share < 0.07, `${share}`);
      }),
      { numRuns: 20 },
    );
  });
}

Deno.test("the estimate follows a peer that becomes slower within a hundred answers, and faster in time", () => {
  const random = new SeededRandom(1);
  const times = new AnswerTimes();
  for (let i = 0; i < 500; i++) times.learn(1 + unit(random));
  for (let i = 0; i < 100; i++) times.learn(50 + unit(random));
  assert.ok(times.p95Ms! > 45 && times.p95Ms! < 60, `${times.p95Ms}`);
  for (let i = 0; i < 2_000; i++) times.learn(1 + unit(random));
  assert.ok(times.p95Ms! < 2.5, `${times.p95Ms}`);
});

Deno.test("answers that take no time at all leave an estimate that can grow again", () => {
  const times = new AnswerTimes();
  for (let i = 0; i < 1_000; i++) times.learn(0);
  assert.ok(times.p95Ms! > 0);
  for (let i = 0; i < 300; i++) times.learn(10);
  assert.ok(times.p95Ms! > 9);
});
