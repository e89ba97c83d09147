import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { hyperLogLog } from "../../src/crdt/hyperloglog.ts";
import { add, hyperLogLogTest, mergeOf } from "./hyperloglog_twin.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";

const BATCH = 1_000;

/** What is estimated after 10, 20, 50, … up to `most` different random things. */
function estimates(seed: number, most: number): Map<number, number> {
  const random = new SeededRandom(`hyperloglog ${seed}`);
  const found = new Map<number, number>();
  let state = hyperLogLog.empty;
  let count = 0;
  for (let decade = 10; decade <= most; decade *= 10) {
    for (const wanted of [decade, 2 * decade, 5 * decade]) {
      if (wanted > most) break;
      while (count < wanted) {
        const size = Math.min(BATCH, wanted - count);
        const elements = Array.from({ length: size }, () => random.bytes(8));
        count += size;
        const dot = { actor: "a", time: hyperLogLog.latestTime(state) + 1 };
        state = hyperLogLog.apply(state, { kind: "add", elements }, dot);
      }
      found.set(wanted, hyperLogLog.value(state));
    }
  }
  return found;
}

Deno.test("what was added at several replicas, some of it twice, is counted once", () => {
  const left = hyperLogLog.apply(hyperLogLog.empty, add("a", "b"), { actor: "a", time: 1 });
  const right = hyperLogLog.apply(hyperLogLog.empty, add("b", "c"), { actor: "b", time: 1 });
  assert.equal(hyperLogLog.value(hyperLogLog.merge(left, right)), 3);
  assert.equal(hyperLogLog.apply(left, add("a"), { actor: "a", time: 2 }), left, "no effect");
});

Deno.test("merging another one adds what it has counted, and no more than once", () => {
  const one = hyperLogLog.apply(hyperLogLog.empty, add("a", "b"), { actor: "a", time: 1 });
  const both = hyperLogLog.apply(one, mergeOf("b", "c"), { actor: "a", time: 2 });
  assert.equal(hyperLogLog.value(both), 3);
  assert.equal(hyperLogLog.apply(both, mergeOf("c"), { actor: "a", time: 3 }), both, "no effect");
  const begun = hyperLogLog.apply(hyperLogLog.empty, mergeOf(), { actor: "a", time: 1 });
  assert.equal(begun.store.length, 1, "what is empty is there");
});

Deno.test("a removal takes what was added to the same registers beside it, not what began anew", () => {
  const one = hyperLogLog.apply(hyperLogLog.empty, add("a"), { actor: "a", time: 1 });
  const beside = hyperLogLog.apply(one, add("b"), { actor: "a", time: 2 });
  const removed = hyperLogLog.clear(one, undefined, { actor: "b", time: 2 });
  const anew = hyperLogLog.apply(removed, add("c"), { actor: "b", time: 3 });
  assert.equal(hyperLogLog.value(hyperLogLog.merge(beside, anew)), 1);
});

Deno.test("the standard error is 0.81 % from ten things to two hundred thousand", () => {
  const SEEDS = 12;
  const errors = new Map<number, number[]>();
  for (let seed = 0; seed < SEEDS; seed++) {
    for (const [count, estimate] of estimates(seed, 200_000)) {
      errors.set(count, [...errors.get(count) ?? [], (estimate - count) / count]);
    }
  }
  const all = [...errors.values()].flat();
  const rootMeanSquare = Math.sqrt(all.reduce((sum, error) => sum + error ** 2, 0) / all.length);
  assert.ok(rootMeanSquare < 0.0081, `the error of all is ${rootMeanSquare}`);
  for (const [count, some] of errors) {
    const worst = Math.max(...some.map(Math.abs));
    assert.ok(worst < 4 * 0.0081, `of ${count} things the worst error is ${worst}`);
    const mean = some.reduce((sum, error) => sum + error, 0) / SEEDS;
    assert.ok(Math.abs(mean) < 4 * 0.0081 / Math.sqrt(SEEDS), `${count} things lean by ${mean}`);
  }
});

Deno.test("few registers take few bytes, all of them 12 KiB, and a delta those that rose", () => {
  let state = hyperLogLog.empty;
  const sizes: number[] = [];
  const random = new SeededRandom("sizes");
  for (let time = 1; time <= 100; time++) {
    const before = state;
    const elements = Array.from({ length: BATCH }, () => random.bytes(8));
    state = hyperLogLog.apply(state, { kind: "add", elements }, { actor: "a", time });
    sizes.push(hyperLogLog.encode(state).length);
    const delta = hyperLogLog.decodeDelta(
      hyperLogLog.encodeDelta(hyperLogLog.delta(before, state)),
    );
    assert.equal(
      hyperLogLog.value(hyperLogLog.mergeDelta(before, delta)!),
      hyperLogLog.value(state),
    );
    const again = hyperLogLog.encode(hyperLogLog.decode(hyperLogLog.encode(state)));
    assert.deepEqual(again, hyperLogLog.encode(state));
  }
  assert.ok(sizes[0]! < 2 * BATCH + 20);
  assert.ok(Math.max(...sizes) < 12_288 + 20);
  const more = hyperLogLog.apply(state, add("one more"), { actor: "a", time: 101 });
  assert.ok(hyperLogLog.encodeDelta(hyperLogLog.delta(state, more)).length < 30);
});

Deno.test("a dense encoding with a wrong count is malformed", () => {
  const elements = Array.from({ length: 20_000 }, (_, i) => utf8(String(i)));
  const state = hyperLogLog.apply(hyperLogLog.empty, { kind: "add", elements }, {
    actor: "a",
    time: 1,
  });
  const bytes = hyperLogLog.encode(state);
  for (const at of [12, 13, 200, 12_000]) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0xff;
    assert.throws(() => hyperLogLog.decode(damaged), MalformedError);
  }
});

Deno.test("the HyperLogLog keeps the laws", () => checkLaws(hyperLogLogTest));

Deno.test("the HyperLogLog decodes nothing that it did not encode", () => {
  checkHostileBytes(hyperLogLogTest);
});
