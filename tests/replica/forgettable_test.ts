import assert from "node:assert/strict";
import { DataObject } from "../../src/crdt/data_object.ts";
import { Forgettable } from "../../src/replica/forgettable.ts";
import { textOf } from "./repair_world.ts";

function tombstone(time: number): DataObject {
  return DataObject.empty.write({ actor: "n1~a", time }, null, undefined, undefined);
}

Deno.test("of each partition the lowest floor is known with which something can be forgotten", () => {
  const forgettable = new Forgettable();
  assert.ok(!forgettable.hasBelow(7, 1_000));
  for (const time of [300, 200, 400]) forgettable.note(7, tombstone(time));
  assert.deepEqual(
    [199, 200, 1_000].map((floor) => forgettable.hasBelow(7, floor)),
    [false, true, true],
  );
  assert.ok(!forgettable.hasBelow(8, 1_000), "another partition");
  assert.deepEqual([...forgettable.parts()], [7]);
});

Deno.test("what cannot be forgotten is not noted: nothing, and a value that does not end", () => {
  const forgettable = new Forgettable();
  forgettable.note(7, undefined);
  forgettable.note(7, DataObject.empty);
  const alive = DataObject.empty.write({ actor: "a", time: 5 }, textOf("x"), undefined, undefined);
  forgettable.note(7, alive);
  assert.ok(!forgettable.hasBelow(7, Number.MAX_SAFE_INTEGER));
  assert.deepEqual([...forgettable.parts()], []);
});

Deno.test("clear() empties one partition, and what is noted after it counts", () => {
  const forgettable = new Forgettable();
  forgettable.note(7, tombstone(100));
  forgettable.note(8, tombstone(100));
  forgettable.clear(7);
  assert.deepEqual([7, 8].map((it) => forgettable.hasBelow(it, 100)), [false, true]);
  forgettable.note(7, tombstone(200));
  assert.deepEqual([100, 200].map((floor) => forgettable.hasBelow(7, floor)), [false, true]);
});
