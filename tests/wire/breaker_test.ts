import assert from "node:assert/strict";
import fc from "fast-check";
import { Breaker } from "../../src/wire/breaker.ts";

/** Looks so often, at a peer that owes us answers. */
function look(breaker: Breaker, times: number): string[] {
  return Array.from({ length: times }, () => breaker.look(true));
}

Deno.test("a Breaker opens at the third look that finds no word, and closes with the next one", () => {
  const breaker = new Breaker();
  assert.deepEqual(look(breaker, 2), ["ask", "ask"]);
  assert.ok(!breaker.isOpen);
  look(breaker, 1);
  assert.ok(breaker.isOpen);
  breaker.spoke();
  assert.ok(!breaker.isOpen);
  assert.deepEqual(look(breaker, 1), ["nothing"], "it has spoken since the last look");
});

Deno.test("a peer that owes nothing may be silent for as long as it likes", () => {
  const breaker = new Breaker();
  for (let i = 0; i < 100; i++) assert.equal(breaker.look(false), "nothing");
  assert.ok(!breaker.isOpen);
});

Deno.test("while it is open the peer is asked after growing pauses, none longer than about 2 s", () => {
  const breaker = new Breaker();
  look(breaker, 3);
  const asked: number[] = [];
  look(breaker, 60).forEach((found, index) => found === "ask" && asked.push(index));
  assert.deepEqual(asked, [5, 16, 37, 58]);
});

Deno.test("three refusals in a row open it, a word between them does not count as one", () => {
  const breaker = new Breaker();
  for (let i = 0; i < 2; i++) breaker.refused();
  breaker.spoke();
  for (let i = 0; i < 2; i++) breaker.refused();
  assert.ok(!breaker.isOpen);
  breaker.refused();
  assert.ok(breaker.isOpen);
});

Deno.test("whatever comes, it is open exactly after three strikes without a word", () => {
  const events = fc.array(fc.constantFrom("spoke", "refused", "looked", "looked in vain"));
  fc.assert(fc.property(events, (all) => {
    const breaker = new Breaker();
    let strikes = 0;
    let isHeard = false;
    for (const event of all) {
      if (event === "spoke") {
        breaker.spoke();
        [strikes, isHeard] = [0, true];
      } else if (event === "refused") {
        breaker.refused();
        [strikes, isHeard] = [strikes + 1, true];
      } else {
        const owes = event === "looked in vain";
        breaker.look(owes);
        if (owes && !isHeard) strikes++;
        isHeard = false;
      }
      assert.equal(breaker.isOpen, strikes >= 3);
    }
  }));
});
