import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { contextOf } from "../../src/causality/context.ts";
import { covers, type VersionVector } from "../../src/causality/version_vector.ts";
import {
  actorsBehind,
  atLeastOf,
  checkNotStale,
  hasSeen,
  staleError,
} from "../../src/coordinator/at_least.ts";
import type { ClientRequest } from "../../src/coordinator/requests.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { DenamoError } from "../../src/wire/errors.ts";

const KEY = utf8("cart:alice");
const MILK = DataObject.empty.write({ actor: "n1~a", time: 7 }, null, undefined, undefined);

function get(...vectors: VersionVector[]): ClientRequest {
  const atLeast = vectors.map(contextOf);
  return { op: "get", key: KEY, level: undefined, strict: undefined, atLeast };
}

/** A copy that has seen nothing but what its object knows. */
function copy(object: DataObject) {
  return { object, floor: 0 };
}

function answer(object: DataObject | undefined, floor = 0) {
  const none = () => undefined;
  return {
    object,
    floor,
    siblings: 0,
    seen: none,
    isShown: false,
    existed: false,
    expiresAtMs: 1,
    results: [],
  };
}

Deno.test("an object has seen a context if it knows every actor at least as late", () => {
  assert.ok(hasSeen(copy(MILK), new Map([["n1~a", 7]])));
  assert.ok(hasSeen(copy(DataObject.empty), new Map()));
  assert.deepEqual(actorsBehind(copy(MILK), new Map([["n1~a", 8], ["n2~b", 1]])), ["n1~a", "n2~b"]);
});

Deno.test("what was replaced, and an expiry, has been seen as well", () => {
  const eggs = MILK.write({ actor: "n2~b", time: 9 }, null, undefined, undefined);
  assert.ok(hasSeen(copy(eggs), MILK.vector()));
  const ends = MILK.expire({ actor: "n3~c", time: 9 }, 1_000);
  assert.ok(hasSeen(copy(ends), new Map([["n3~c", 9]])));
  assert.ok(!hasSeen(copy(MILK), ends.vector()));
});

Deno.test("a copy has seen what lies below its floor, though its object does not know of it", () => {
  const asked = new Map([["n1~a", 7]]);
  assert.ok(hasSeen({ object: DataObject.empty, floor: 7 }, asked));
  assert.ok(!hasSeen({ object: DataObject.empty, floor: 6 }, asked));
  checkNotStale(get(asked), answer(undefined, 7));
});

Deno.test("hasSeen() says what covers() says of the object's vector", () => {
  const vectors = fc.array(
    fc.tuple(fc.constantFrom("n1~a", "n2~b", "n3~c"), fc.integer({ min: 1, max: 5 })),
  )
    .map((entries): VersionVector => new Map(entries));
  fc.assert(fc.property(vectors, vectors, (seen, asked) => {
    const object = DataObject.empty.write({ actor: "n9~z", time: 6 }, null, seen, undefined);
    assert.equal(hasSeen(copy(object), asked), covers(object.vector(), asked));
  }));
});

Deno.test("a get asks for what all its contexts have seen together", () => {
  const both = get(new Map([["n1~a", 7], ["n2~b", 1]]), new Map([["n2~b", 2]]));
  assert.deepEqual(atLeastOf(both), new Map([["n1~a", 7], ["n2~b", 2]]));
  assert.equal(atLeastOf(get()), undefined);
});

Deno.test("an answer of another node that falls behind is refused, and says whose writes it lacks", () => {
  const request = get(new Map([["n2~b", 1], ["n1~a", 8], ["n1~c", 1]]));
  assert.throws(() => checkNotStale(request, answer(MILK)), (error) => {
    assert.ok(error instanceof DenamoError);
    assert.deepEqual([error.code, error.outcome], ["stale", "no"]);
    assert.deepEqual(error.details, { lacking: ["n1", "n2"] });
    return true;
  });
  assert.throws(() => checkNotStale(request, answer(undefined)), { code: "stale" });
  checkNotStale(get(MILK.vector()), answer(MILK));
  checkNotStale(get(), answer(undefined));
});

Deno.test("the error of a stale read names the key and the nodes whose writes are missing", () => {
  assert.equal(
    staleError(KEY, copy(MILK), new Map([["n2~b", 1]])).message,
    'Cannot read "cart:alice" at least as late as asked: no copy that has answered has all writes that ' +
      "went through n2",
  );
});
