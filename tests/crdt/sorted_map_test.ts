import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { type Change, SortedMap } from "../../src/crdt/sorted_map.ts";

type Changes = readonly Change<number>[];

/** Many changes of few keys, so that chunks are cut and joined. */
const changes: fc.Arbitrary<Changes> = fc.tuple(
  fc.nat(),
  fc.nat(400),
  fc.integer({ min: 1, max: 4 }),
)
  .map(([seed, count, oneIn]) => {
    const random = new SeededRandom(seed);
    const made = new Map<string, number | undefined>();
    for (let i = 0; i < count; i++) {
      const key = String.fromCharCode(random.uint32() % 3, random.uint32() % 256);
      made.set(key, random.uint32() % oneIn === 0 ? random.uint32() : undefined);
    }
    return [...made].sort(([a], [b]) => a < b ? -1 : 1);
  });

function twinOf(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("a map never changes: with() gives another one", () => {
  const one = SortedMap.empty<number>().with("a", 1);
  const two = one.with("b", 2).with("a", undefined);
  assert.deepEqual([...one], [["a", 1]]);
  assert.deepEqual([...two], [["b", 2]]);
});

Deno.test("after any changes a map holds what a Map would, and differs from others in what differs", () => {
  fc.assert(
    fc.property(fc.array(changes, { minLength: 1, maxLength: 8 }), fc.nat(7), (rounds, back) => {
      const maps = [SortedMap.empty<number>()];
      const twin = new Map<string, number>();
      for (const round of rounds) {
        maps.push(maps[maps.length - 1]!.withChanges(round));
        for (const [key, value] of round) {
          if (value === undefined) twin.delete(key);
          else twin.set(key, value);
        }
        const map = maps[maps.length - 1]!;
        assert.deepEqual([...map], twinOf(twin));
        assert.equal(map.size, twin.size);
        for (const [key] of round) assert.equal(map.get(key), twin.get(key));
      }
      const last = maps[maps.length - 1]!;
      const other = maps[back % maps.length]!;
      const differing = [...other.differences(last)].filter(([, a, b]) => a !== b);
      const made = other.withChanges(differing.map(([key, , value]) => [key, value]));
      assert.deepEqual([...made], [...last]);
    }),
    { numRuns: 300 },
  );
});

Deno.test("what a map has in common with one that was made from it is not looked at", () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(6, "0"));
  const map = SortedMap.empty<number>().withChanges(keys.map((key, i) => [key, i]));
  const made = map.with("010000x", 1).with("000005", undefined);
  assert.ok([...map.differences(made)].length <= 3 * 128);
});
