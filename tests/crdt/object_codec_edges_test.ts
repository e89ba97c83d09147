// What a decoder admits stays encodable, whatever is done with it: an object that cannot be read by the next node, or
// by the next start, is worse than one that is refused.

import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { type Dot, MAX_TIME } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { forget, forgettableFrom, withFloor, withoutOutdated } from "../../src/crdt/forgetting.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { decodeObject, encodeClock } from "../../src/crdt/object_codec.ts";
import { decodeDelta, deltaBetween, encodeDelta, mergeDelta } from "../../src/crdt/object_delta.ts";
import { UNTIL_MS_MAX } from "../../src/crdt/operation_id.ts";
import { edgeFloors, edgeObjects } from "./edge_objects.ts";
import { leaf } from "./map_twin.ts";

const MOST = Number.MAX_SAFE_INTEGER;

type Step =
  | { readonly kind: "merge" | "delta" | "outdated"; readonly with: number; readonly floor: number }
  | { readonly kind: "forget" | "raise"; readonly floor: number }
  | { readonly kind: "update"; readonly operation: NestedOperation }
  | { readonly kind: "put" | "delete" | "expire" | "renew"; readonly isSeen: boolean; end: number }
  | { readonly kind: "latest" | "skeleton" };

const additions = fc.record({
  amount: fc.constantFrom(1, -1, MOST, -MOST),
  id: fc.option(
    fc.record({
      session: fc.constantFrom("s", "t"),
      number: fc.constantFrom(0, 1, MOST),
      untilMs: fc.constantFrom(1, UNTIL_MS_MAX),
    }),
    { nil: undefined },
  ),
}).map(({ amount, id }): NestedOperation => ({
  type: "counter",
  operation: { kind: "add", amount, id },
}));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("merge", "merge", "delta", "outdated"),
    with: fc.nat(2),
    floor: edgeFloors,
  }),
  fc.record({ kind: fc.constantFrom("forget", "raise"), floor: edgeFloors }),
  fc.record({ kind: fc.constant("update"), operation: fc.oneof(leaf, additions) }),
  fc.record({
    kind: fc.constantFrom("put", "delete", "expire", "renew"),
    isSeen: fc.boolean(),
    end: fc.constantFrom(1, MOST),
  }),
  fc.record({ kind: fc.constantFrom("latest", "skeleton") }),
) as fc.Arbitrary<Step>;

let drawn = 0;

/** As replica/actors.ts draws them for a key in the future, with an actor of its own for each. */
function dotAbove(above: number): Dot {
  return { actor: `n9~${drawn++}`, time: Math.min(above + 1, MAX_TIME) };
}

function carriedOut(object: DataObject, step: Step, others: readonly DataObject[]): DataObject {
  const value = { kind: "text", bytes: utf8("v") } as const;
  switch (step.kind) {
    case "merge":
      return object.merge(others[step.with]!);
    case "delta": {
      const other = others[step.with]!;
      const delta = deltaBetween(object, object.merge(other));
      if (delta === undefined) return object;
      const bytes = encodeDelta(delta);
      const read = decodeDelta(bytes);
      assert.deepEqual(encodeDelta(read), bytes);
      return mergeDelta(object, read) ?? object;
    }
    case "outdated":
      return withoutOutdated(object, others[step.with]!, step.floor);
    case "forget":
      return forget(object, step.floor);
    case "raise":
      return withFloor(object, step.floor);
    case "update":
      return object.update(dotAbove(object.timeBefore(undefined)), step.operation);
    case "put":
    case "delete": {
      const seen = step.isSeen ? others[0]!.vector() : undefined;
      const opaque = step.kind === "put" ? value : null;
      return object.write(dotAbove(object.timeBefore(seen)), opaque, seen, step.end);
    }
    case "expire":
      return object.expire(dotAbove(object.latestTime()), step.end);
    case "renew":
      return object.renew(dotAbove(object.timeBefore(undefined)));
    case "latest":
      return object.keepLatest();
    case "skeleton":
      return object.skeleton();
  }
}

function checkReadable(object: DataObject, what: string): void {
  const bytes = object.encoded().slice();
  let read: DataObject;
  try {
    read = decodeObject(bytes);
  } catch (error) {
    throw new Error(`After ${what}: ${error}`);
  }
  const again = new DataObject(read.opaque, read.expiry, read.values);
  assert.deepEqual(again.encoded(), bytes, `After ${what}`);
  assert.ok(object.latestTime() <= MAX_TIME);
  encodeClock(read);
  for (const time of object.vector().values()) assert.ok(time <= MAX_TIME);
  for (const nowMs of [0, 1_000, MOST]) {
    read.live(nowMs);
    for (const { store, type } of read.liveValues(nowMs)) type.value(store);
  }
  const from = forgettableFrom(read);
  assert.ok(from >= 0 && !Number.isNaN(from));
}

Deno.test("what a decoder admits stays encodable and decodable under any operations and merges", () => {
  const worlds = fc.record({
    objects: fc.array(edgeObjects, { minLength: 3, maxLength: 3 }),
    steps: fc.array(step, { maxLength: 8 }),
  });
  fc.assert(
    fc.property(worlds, ({ objects, steps }) => {
      let object = objects[0]!;
      checkReadable(object, "decoding");
      for (const step of steps) {
        try {
          object = carriedOut(object, step, objects);
        } catch (error) {
          // An operation may be out of bounds: then nothing has changed.
          if (!(error instanceof RangeError) || step.kind !== "update") throw error;
        }
        checkReadable(object, JSON.stringify(step));
      }
    }),
    { numRuns: 5_000 },
  );
});
