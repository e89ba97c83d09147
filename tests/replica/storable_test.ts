import assert from "node:assert/strict";
import { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import { mergeCopies, together } from "../../src/replica/copy.ts";
import { checkStorable } from "../../src/replica/storable.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { HOSTILE_UPDATES } from "../crdt/hostile_updates.ts";

const TOO_LARGE = { code: "too_large", outcome: "no" };

/** An object with one document under one dot. */
function withDocument(update: Uint8Array): DataObject {
  const operation = { kind: "edit" as const, update };
  return DataObject.empty.update({ actor: "n1~a", time: 1 }, { type: "document", operation });
}

Deno.test("two objects that may be stored and are too large together are refused, each stays as it is", () => {
  const large = (actor: string) =>
    DataObject.empty.write(
      { actor, time: 1 },
      { kind: "bytes", bytes: new Uint8Array(LIMITS.value) },
      new Map(),
      undefined,
    );
  const [a, b] = [large("n1~a"), large("n2~b")];
  for (const one of [a, b]) checkStorable(one);
  assert.throws(() => checkStorable(a.merge(b)), TOO_LARGE);
  assert.equal(decodeObject(a.encoded()).digest(), a.digest());
});

Deno.test("a counter whose totals nobody could read again is refused before it is written", () => {
  // What a peer may send: an id whose amounts are more than what its actor has counted.
  const forged = DataObject.empty.update({ actor: "n1~a", time: 1 }, {
    type: "counter",
    operation: {
      kind: "add",
      amount: Number.MAX_SAFE_INTEGER,
      id: { session: "s", number: 1, untilMs: 1 },
    },
  });
  const [slot] = forged.values.store;
  const store = slot!.store as { shares: { plus: number }[] };
  store.shares[0]!.plus = -1;
  assert.throws(() => checkStorable(forged), TOO_LARGE);
});

Deno.test("documents that are too much work together are an error of their key and no other", () => {
  // Each is harmless, and the walks of one lead over the other.
  const crowd = HOSTILE_UPDATES.find(({ name }) => name.startsWith("20,000 elements"))!.make();
  assert.throws(() => together(() => withDocument(crowd)), TOO_LARGE);
  const other = new RangeError("a mistake of ours");
  assert.throws(() =>
    together(() => {
      throw other;
    }), other);
  assert.equal(mergeCopies([{ object: DataObject.empty, floor: 3 }]).floor, 3);
  assert.ok(new DenamoError("too_large", "no", "") instanceof Error);
});
