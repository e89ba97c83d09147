import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { forget } from "../../src/crdt/forgetting.ts";
import {
  type Copy,
  copyIn,
  digestBytes,
  mergeCopies,
  seenByMost,
  withBelievedFloors,
} from "../../src/replica/copy.ts";
import type { Slot } from "../../src/crdt/map.ts";
import { copies } from "../crdt/arbitrary_copies.ts";
import { textOf, textsOf } from "./repair_world.ts";

const NOTHING = DataObject.empty;

function put(held: DataObject, actor: string, time: number, text: string | null): DataObject {
  const value = text === null ? null : textOf(text);
  return held.write({ actor, time }, value, undefined, undefined);
}

const MILK = put(NOTHING, "n1~a", 10, "milk");
const EGGS = put(NOTHING, "n2~b", 30, "eggs");

Deno.test("copies are merged, and together have seen what the furthest of them has", () => {
  const { object, floor } = mergeCopies([{ object: MILK, floor: 0 }, { object: EGGS, floor: 5 }]);
  assert.deepEqual(textsOf(object), ["eggs", "milk"]);
  assert.equal(floor, 5);
  assert.deepEqual(mergeCopies([]), { object: NOTHING, floor: 0 });
});

Deno.test("seenByMost() is what a majority of all owners have seen, up to a floor that they have", () => {
  const copies = [20, 40, 10].map((floor) => ({ object: MILK, floor }));
  assert.equal(seenByMost(copies, 3).floor, 20);
  assert.equal(seenByMost(copies.slice(0, 2), 3).floor, 20);
  assert.deepEqual(seenByMost([{ object: NOTHING, floor: MAX_TIME }], 3), {
    object: NOTHING,
    floor: 0,
  });
  // The third has not seen up to there: what it holds says nothing of that.
  const held = [{ object: NOTHING, floor: 20 }, { object: NOTHING, floor: 30 }];
  assert.ok(seenByMost([...held, { object: MILK, floor: 10 }], 3).object.isEmpty);
});

Deno.test("withBelievedFloors() leaves what this node has agreed to, or most of the others tell", () => {
  const floorsOf = (floors: readonly number[], otherCount: number, fence: number) =>
    withBelievedFloors(floors.map((floor) => ({ object: MILK, floor })), otherCount, fence)
      .map(({ floor }) => floor);
  assert.deepEqual(floorsOf([0, 50], 2, 0), [0, 0]);
  assert.deepEqual(floorsOf([0, 50], 2, 40), [0, 40]);
  assert.deepEqual(floorsOf([0, 50, 45], 2, 0), [0, 45, 45]);
  assert.deepEqual(floorsOf([0, 50], 1, 0), [0, 50], "there is only one other");
  assert.deepEqual(floorsOf([30, MAX_TIME], 2, 30), [30, 30]);
});

Deno.test("a disk that was put back does not show what was deleted and forgotten since", () => {
  const old = { object: MILK, floor: 0 };
  const forgot = { object: NOTHING, floor: 20 };
  for (const order of [[old, forgot], [forgot, old], [old, forgot, old]]) {
    const { object, floor } = mergeCopies(order);
    assert.deepEqual([textsOf(object), floor], [[], 20]);
  }
});

Deno.test("what is later than the floor stays, and what another copy with that floor holds", () => {
  const old = { object: MILK.merge(EGGS), floor: 0 };
  assert.deepEqual(textsOf(mergeCopies([old, { object: NOTHING, floor: 20 }]).object), ["eggs"]);
  const both = mergeCopies([old, { object: MILK, floor: 20 }]);
  assert.deepEqual(textsOf(both.object), ["eggs", "milk"]);
  assert.deepEqual(textsOf(mergeCopies([old, { object: NOTHING, floor: 9 }]).object), [
    "eggs",
    "milk",
  ]);
});

Deno.test("a copy is held against all others, not only against the one with the highest floor", () => {
  const deleted = { object: put(NOTHING, "n3~c", 40, null), floor: 20 };
  const behind = { object: NOTHING, floor: 15 };
  const old = { object: MILK, floor: 0 };
  for (const order of [[old, behind, deleted], [deleted, old, behind]]) {
    assert.deepEqual(textsOf(mergeCopies(order).object), []);
  }
});

/** As high as `level`, or as a copy can be said to have seen everything that the others know of. */
function trueFloor(own: DataObject, others: readonly DataObject[], level: number): number {
  const known = others.flatMap((other) => [...other.vector()]);
  const missed = known.filter(([actor, time]) => own.timeOf(actor) < time);
  return Math.min(level, ...missed.map(([actor]) => own.timeOf(actor)));
}

Deno.test("mergeCopies() shows the same in whatever order, and without floors it merges", () => {
  const floors = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(40));
  fc.assert(fc.property(copies, floors, (objects, levels) => {
    const all = objects.map((object, i): Copy => {
      return { object, floor: trueFloor(object, objects, levels[i]!) };
    });
    const [a, b, c] = all as [Copy, Copy, Copy];
    const merged = mergeCopies([a, b, c]);
    for (const order of [[b, c, a], [c, b, a]]) {
      const other = mergeCopies(order);
      for (const slot of ["opaque", "expiry"] as const) {
        assert.deepEqual([...other.object[slot].siblings()], [...merged.object[slot].siblings()]);
      }
      const [shownThere, shownHere] = [other, merged].map(({ object }) => object.liveValues(0));
      assert.deepEqual(shownThere!.map(shown), shownHere!.map(shown));
      assert.equal(other.floor, merged.floor);
    }
    const plain = mergeCopies(objects.map((object) => ({ object, floor: 0 })));
    const together = objects[0].merge(objects[1]).merge(objects[2]);
    assert.deepEqual(plain.object.encoded(), together.encoded());
  }));
});

Deno.test("mergeCopies() shows of values that merge what the copy with the floor has seen", () => {
  fc.assert(fc.property(copies, fc.nat(40), ([old, , young], level) => {
    const later = young.merge(old).write(
      { actor: "n9~actor", time: 100 },
      null,
      undefined,
      undefined,
    );
    const floor = 100 + level;
    const forgotten = forget(later, floor);
    assert.deepEqual(
      forgotten.liveValues(0),
      [],
      "what is left are ids of operations, if anything is",
    );
    const { object } = mergeCopies([{ object: old, floor: 0 }, { object: forgotten, floor }]);
    assert.deepEqual(object.liveValues(0), []);
  }));
});

function shown({ store, type }: Slot): unknown {
  return [type.name, type.value(store)];
}

Deno.test("copyIn() reads what a read answers: an object or that it is the same, and a floor if there is one", () => {
  const bytes = MILK.encoded();
  assert.deepEqual(copyIn([bytes, 7]).object!.encoded(), bytes);
  assert.equal(copyIn([bytes, 7]).floor, 7);
  assert.equal(copyIn([bytes]).floor, 0);
  assert.deepEqual(copyIn([null, 7]), { object: undefined, floor: 7 });
  for (const reply of [[7], [bytes, -1], [bytes, MAX_TIME + 1], [bytes, "7"], [EMPTY]]) {
    assert.throws(() => copyIn(reply), MalformedError, JSON.stringify(reply));
  }
});

Deno.test("digestBytes() is the digest, the highest byte first", () => {
  const view = new DataView(digestBytes(MILK).buffer);
  assert.equal(view.getBigUint64(0), MILK.digest());
});
