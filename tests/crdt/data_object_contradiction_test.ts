// Objects that contradict each other: nobody writes them, but an old version, a bug or a broken memory may send them.
// Copies that hold them must become equal all the same, or every comparison of copies finds them again, for ever.

import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { type CounterStore, counterStore, type Share } from "../../src/crdt/counter.ts";
import { DataObject, NEVER, type Opaque } from "../../src/crdt/data_object.ts";
import type { Sides } from "../../src/crdt/dot_store.ts";
import { maxStore } from "../../src/crdt/max.ts";
import { minStore } from "../../src/crdt/min.ts";
import { registerStore } from "../../src/crdt/register.ts";
import { SeenVector } from "../../src/crdt/seen_vector.ts";
import { SortedMap } from "../../src/crdt/sorted_map.ts";
import { edgeObjects } from "./edge_objects.ts";

const DOT = { actor: "n1~a", time: 5 };

Deno.test("two copies that send each other whatever they hold are equal after two rounds", () => {
  let differed = 0;
  fc.assert(
    fc.property(edgeObjects, edgeObjects, (a, b) => {
      let [here, there] = [a, b];
      for (let round = 0; round < 2; round++) {
        [here, there] = [here.merge(there), there.merge(here)];
      }
      if (a.digest() !== b.digest()) differed++;
      assert.equal(here.digest(), there.digest());
    }),
    { numRuns: 2000 },
  );
  assert.ok(differed > 1_000, `${differed} differed`);
});

Deno.test("three copies that compare by twos, in whatever order, become equal", () => {
  const orders = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { maxLength: 6 });
  fc.assert(
    fc.property(fc.tuple(edgeObjects, edgeObjects, edgeObjects), orders, (objects, order) => {
      const copies = [...objects];
      const round = [[0, 1], [1, 2], [2, 0]] as const;
      for (const [a, b] of [...order, ...round, ...round, ...round]) {
        const [one, other] = [copies[a]!, copies[b]!];
        copies[a] = one.merge(other);
        copies[b] = other.merge(one);
      }
      assert.equal(new Set(copies.map((copy) => copy.digest())).size, 1);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("of two values under one dot every copy takes the same, and rather one than a tombstone", () => {
  const values: Opaque[] = [
    null,
    { kind: "bytes", bytes: utf8("b") },
    { kind: "text", bytes: utf8("a") },
    { kind: "text", bytes: utf8("ab") },
  ];
  const objects = values.map((value) => DataObject.empty.write(DOT, value, undefined, undefined));
  for (const [i, one] of objects.entries()) {
    for (const [j, other] of objects.entries()) {
      assert.equal(one.merge(other).digest(), objects[Math.max(i, j)]!.digest(), `${i} and ${j}`);
    }
  }
});

Deno.test("of two expiries under one dot every copy takes the later one, and never before all", () => {
  const ends = [1_000, 2_000, NEVER];
  const objects = ends.map((end) => DataObject.empty.expire(DOT, end || undefined));
  for (const [i, one] of objects.entries()) {
    for (const [j, other] of objects.entries()) {
      assert.equal(one.merge(other).digest(), objects[Math.max(i, j)]!.digest(), `${i} and ${j}`);
    }
  }
});

Deno.test("of two contents of one dot in a value that merges, both orders of joining give one", () => {
  const known = { floor: 0, has: () => true };
  const sides: Sides = { a: known, b: known, interval: undefined };
  const text = (value: string) => [{
    ...DOT,
    value: { kind: "text" as const, bytes: utf8(value) },
  }];
  assert.deepEqual(registerStore.join(text("a"), text("b"), sides), text("b"));
  assert.deepEqual(registerStore.join(text("b"), text("a"), sides), text("b"));
  const number = (value: number) => [{ ...DOT, value }];
  for (const [type, wins] of [[maxStore, 2], [minStore, 1]] as const) {
    assert.deepEqual(type.join(number(1), number(2), sides), number(wins));
    assert.deepEqual(type.join(number(2), number(1), sides), number(wins));
  }
  const nothing = { plus: 0, minus: 0 };
  const counted = (rest: Partial<Share>, amount: number): CounterStore => ({
    shares: [{ ...DOT, plus: 9, minus: 9, echo: nothing, removed: undefined, ...rest }],
    ids: SortedMap.empty<CounterStore["ids"] extends SortedMap<infer V> ? V : never>().with("id", {
      isFolded: false,
      dots: [{ ...DOT, amount }],
    }),
  });
  const removed = (plus: number) => ({ time: 5, at: 6, plus, minus: 0 });
  const pairs: [CounterStore, CounterStore][] = [
    [counted({ plus: 1 }, 1), counted({ plus: 2 }, 1)],
    [counted({ minus: 1 }, 1), counted({ minus: 2 }, 1)],
    [counted({ echo: { plus: 1, minus: 0 } }, 1), counted({ echo: { plus: 2, minus: 0 } }, 1)],
    [counted({ removed: removed(1) }, 1), counted({ removed: removed(2) }, 1)],
    [counted({}, 1), counted({}, 2)],
  ];
  for (const [a, b] of pairs) {
    assert.deepEqual(plain(counterStore.join(a, b, sides)), plain(b));
    assert.deepEqual(plain(counterStore.join(b, a, sides)), plain(b));
  }
});

Deno.test("of states that cover each other and are written differently, the one that names more stays", () => {
  const values = (names: string[]) => {
    const times = new Map(names.map((name) => [name, 3]));
    return new DataObject(DataObject.empty.opaque, DataObject.empty.expiry, {
      seen: new SeenVector(9, times),
      store: [],
    });
  };
  const more = values(["a", "b"]);
  assert.equal(values(["a"]).merge(more), more);
  assert.equal(more.merge(values(["a"])), more);
  assert.equal(values(["a", "c"]).merge(more).digest(), more.merge(values(["a", "c"])).digest());
});

function plain({ ids, shares }: CounterStore) {
  return { shares, ids: [...ids] };
}
