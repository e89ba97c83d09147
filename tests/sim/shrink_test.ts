import assert from "node:assert/strict";
import { CALM } from "./calm_world.ts";
import { drawOptions, FAULT_KINDS, type SimOptions } from "./options.ts";
import { withOverrides } from "./overrides.ts";
import { shrink } from "./shrink.ts";

/** A world with everything in it. */
const WILD = withOverrides(drawOptions(11), {
  nodeCount: 7,
  clientCount: 5,
  keyCount: 4,
  durationMs: 40_000,
  delayMs: 60,
  sharesPartition: true,
  faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0.7])),
  operations: { putBlind: 0.5, deleteBlind: 0.5 },
});

const BUDGET = { tries: 1_000, seedsPerStep: 1 };

function answer(predicate: (options: SimOptions) => boolean): (it: SimOptions) => Promise<boolean> {
  return (options) => Promise.resolve(predicate(options));
}

Deno.test("shrink() keeps what a failure needs and drops all else", async () => {
  const needs = (it: SimOptions) => {
    return it.faults.crash > 0 && it.keyCount >= 2 && it.durationMs >= 3_000 && it.delayMs === 60;
  };
  const { options, isSmallest } = await shrink(WILD, answer(needs), BUDGET);
  const faults = Object.entries(options.faults).filter(([, weight]) => weight > 0);
  assert.deepEqual(faults, [["crash", 0.7]]);
  assert.equal(options.keyCount, 2);
  assert.ok(options.durationMs >= 3_000 && options.durationMs < 6_000);
  assert.equal(options.delayMs, 60);
  assert.deepEqual(
    [options.nodeCount, options.clientCount, options.sharesPartition, options.operations.putBlind],
    [3, 1, false, 0],
  );
  assert.equal(isSmallest, true);
});

Deno.test("shrink() returns only worlds that fail, whatever fails", async () => {
  for (let mask = 1; mask < 32; mask++) {
    const needs = (it: SimOptions) => {
      return (mask & 1) * it.faults.pause >= (mask & 1) * 0.7 &&
        (!(mask & 2) || it.faults.crash > 0) && (!(mask & 4) || it.nodeCount >= 5) &&
        (!(mask & 8) || it.clientCount >= 3) && (!(mask & 16) || it.sharesPartition);
    };
    const { options } = await shrink(WILD, answer(needs), BUDGET);
    assert.ok(needs(options));
    assert.equal(options.nodeCount, mask & 4 ? 5 : 3);
    assert.equal(options.clientCount, mask & 8 ? 3 : 1);
    assert.equal(options.faults.crash > 0, (mask & 2) !== 0);
  }
});

Deno.test("shrink() returns the world itself if no smaller one fails", async () => {
  const shrunk = await shrink(WILD, answer(() => false), BUDGET);
  assert.equal(shrunk.options, WILD);
  assert.equal(shrunk.isSmallest, true);
});

Deno.test("shrink() tries no world twice", async () => {
  const seen = new Set<string>();
  const fails = answer((options) => {
    const name = JSON.stringify(options);
    assert.ok(!seen.has(name));
    seen.add(name);
    return options.nodeCount > 5 && options.faults.pause > 0;
  });
  const { options, tries, isSmallest } = await shrink(WILD, fails, BUDGET);
  assert.deepEqual([options.nodeCount, tries, isSmallest], [6, seen.size, true]);
});

Deno.test("shrink() ends with a calm world if all fail", async () => {
  const { options } = await shrink(WILD, answer(() => true), BUDGET);
  assert.deepEqual(withOverrides(options, CALM), options);
});

Deno.test("shrink() goes on with another seed where the present one has no luck", async () => {
  const needs = (it: SimOptions) => it.nodeCount === 7 || it.seed === 2;
  const lucky = await shrink(WILD, answer(needs), { ...BUDGET, seedsPerStep: 3 });
  assert.deepEqual([lucky.options.nodeCount, lucky.options.seed], [3, 2]);
  const unlucky = await shrink(WILD, answer(needs), BUDGET);
  assert.deepEqual([unlucky.options.nodeCount, unlucky.options.seed], [7, WILD.seed]);
});

Deno.test("shrink() keeps to its budget", async () => {
  const few = await shrink(WILD, answer((it) => it.nodeCount === 7), { ...BUDGET, tries: 5 });
  assert.equal(few.tries, 5);
  assert.equal(few.isSmallest, false);
  let tries = 0;
  const fails = answer(() => ++tries > 0);
  const short = await shrink(WILD, fails, { ...BUDGET, isSpent: () => tries === 3 });
  assert.equal(short.tries, 3);
  assert.equal(short.isSmallest, false);
});
