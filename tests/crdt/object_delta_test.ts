import assert from "node:assert/strict";
import fc from "fast-check";
import { equalBytes, utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import {
  decodeDelta,
  deltaBetween,
  encodeDelta,
  mergeDelta,
  namedBy,
} from "../../src/crdt/object_delta.ts";
import { copies } from "./arbitrary_copies.ts";

const RUNS = { numRuns: 3_000 };

/** A set of so many elements, and the same with one more. */
function grown(count: number): { before: DataObject; after: DataObject } {
  const elements = Array.from({ length: count }, (_, i) => utf8(`element ${i}`));
  const add = (elements: Uint8Array[]) =>
    ({ type: "set", operation: { kind: "add", elements } }) as const;
  const before = DataObject.empty.update({ actor: "n1~a", time: 1 }, add(elements));
  return { before, after: before.update({ actor: "n1~a", time: 2 }, add([utf8("one more")])) };
}

Deno.test("a delta brings who has seen what came before it to the same object", () => {
  const { before, after } = grown(100);
  const bytes = encodeDelta(deltaBetween(before, after)!);
  assert.ok(bytes.length < 100, `${bytes.length} bytes instead of ${after.encoded().length}`);
  const merged = mergeDelta(before, decodeDelta(bytes))!;
  assert.deepEqual(merged.encoded(), after.encoded());
  assert.equal(mergeDelta(merged, decodeDelta(bytes)), merged);
});

Deno.test("a delta for one more element of a set is no longer for a larger set", () => {
  const bytesAt = (count: number) => {
    const { before, after } = grown(count);
    return encodeDelta(deltaBetween(before, after)!).length;
  };
  assert.equal(bytesAt(10_000), bytesAt(100));
});

Deno.test("who has not seen what a delta builds upon takes nothing of it", () => {
  const { before, after } = grown(100);
  assert.equal(mergeDelta(DataObject.empty, deltaBetween(before, after)!), undefined);
});

Deno.test("nothing leads from an object without values that merge", () => {
  assert.equal(deltaBetween(DataObject.empty, grown(1).before), undefined);
});

Deno.test("merging a delta is merging the whole, wherever it builds upon what has been seen", () => {
  fc.assert(
    fc.property(copies, ([a, b, c]) => {
      const after = a.merge(b);
      const delta = deltaBetween(a, after);
      if (delta === undefined) return;
      const sent = decodeDelta(encodeDelta(delta));
      assert.deepEqual(mergeDelta(a, sent)!.encoded(), after.encoded());
      for (const held of [b, c, c.merge(a), after.merge(c)]) {
        const merged = mergeDelta(held, sent);
        if (held.values.seen.covers(a.values.seen)) assert.ok(merged !== undefined);
        if (merged !== undefined) assert.deepEqual(merged.encoded(), held.merge(after).encoded());
      }
      for (const { actor } of [...namedBy(sent).vector()].map(([actor]) => ({ actor }))) {
        assert.equal(namedBy(sent).timeOf(actor), after.timeOf(actor));
      }
    }),
    RUNS,
  );
});

Deno.test("two objects have one digest if they have the same bytes, and only then", () => {
  fc.assert(
    fc.property(copies, ([a, b, c]) => {
      const all = [a, b, c, a.merge(b), b.merge(a), a.merge(b).merge(c)];
      for (const one of all) {
        for (const other of all) {
          const isSame = equalBytes(one.encoded(), other.encoded());
          assert.equal(one.digest() === other.digest(), isSame);
        }
      }
    }),
    RUNS,
  );
});

Deno.test("sizeBytes is about the number of bytes", () => {
  const { after } = grown(1_000);
  const { sizeBytes } = after;
  const ratio = sizeBytes / after.encoded().length;
  assert.ok(ratio > 0.5 && ratio < 2, `${sizeBytes} for ${after.encoded().length} bytes`);
});

Deno.test("decodeDelta() refuses whatever is no delta", () => {
  const { before, after } = grown(10);
  const bytes = encodeDelta(deltaBetween(before, after)!);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
    try {
      decodeDelta(new Uint8Array(noise));
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error));
    }
  }));
  for (let at = 0; at < bytes.length; at++) {
    assert.throws(() => decodeDelta(bytes.slice(0, at)), MalformedError);
  }
});
