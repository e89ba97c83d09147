import assert from "node:assert/strict";
import { Dice } from "../dice.ts";
import { drawOptions, HOSTILE_KINDS, isHostile } from "../options.ts";
import { HONEST, onlyFaults, withOverrides } from "../overrides.ts";
import { runSeed } from "../run_seed.ts";
import { impossible, withImpossible } from "./nonsense.ts";

Deno.test("in about half of the worlds somebody is hostile, and each kind in some", () => {
  const worlds = Array.from({ length: 400 }, (_, seed) => drawOptions(seed));
  const hostile = worlds.filter(isHostile);
  assert.ok(hostile.length > 160 && hostile.length < 240, `${hostile.length} of 400`);
  for (const kind of HOSTILE_KINDS) {
    const count = hostile.filter(({ faults }) => faults[kind] > 0).length;
    assert.ok(count > hostile.length / 3 && count < hostile.length, `${kind} in ${count}`);
  }
  assert.equal(isHostile(withOverrides(hostile[0]!, HONEST)), false);
});

Deno.test("hostile peers of every kind act in a world that is for them", async () => {
  const only = withOverrides(drawOptions(1), {
    ...onlyFaults([]),
    durationMs: 20_000,
    hostileMs: 30,
  });
  const faults = Object.fromEntries(HOSTILE_KINDS.map((kind) => [kind, 1]));
  const result = await runSeed(withOverrides(only, { faults }));
  assert.deepEqual(result.violations, []);
  for (const kind of HOSTILE_KINDS) assert.ok((result.faults.get(kind) ?? 0) > 50, kind);
});

Deno.test("what is impossible is never what it replaces, nor nil, which may stand for nothing", () => {
  const dice = new Dice(1, "impossible");
  for (const part of [7, "text", true, null, new Uint8Array(3), [1, "a", [2]]]) {
    for (let i = 0; i < 50; i++) {
      const other = impossible(part, dice);
      assert.notDeepEqual(other, part);
      assert.notEqual(other, null);
    }
  }
  assert.equal(withImpossible([null, null], dice), undefined);
});
