import assert from "node:assert/strict";
import fc from "fast-check";
import { applyUpdate, mergeUpdates } from "yjs";
import { MalformedError } from "../../src/base/malformed.ts";
import { document } from "../../src/crdt/document.ts";
import { accepted, canonical, UPDATE_MAX_BYTES } from "../../src/crdt/document_update.ts";
import { clientDocument, documentTest, edit, render, UPDATES } from "./document_twin.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";

Deno.test("what two people write at once is in the document of both", () => {
  const [ann, ben] = [clientDocument(1), clientDocument(2)];
  let state = document.empty;
  let time = 0;
  for (const client of [ann, ben]) {
    client.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === "read") return;
      state = document.apply(state, edit(update), { actor: "a", time: ++time });
    });
  }
  ann.getText("text").insert(0, "milk ");
  ben.getText("text").insert(0, "eggs ");
  for (const client of [ann, ben]) {
    applyUpdate(client, document.value(state)!, "read");
    assert.match(client.getText("text").toString(), /^(milk eggs|eggs milk) $/);
  }
});

Deno.test("an edit waits for what it builds on", () => {
  const client = clientDocument(1);
  const updates: Uint8Array[] = [];
  client.on("update", (update: Uint8Array) => updates.push(update));
  client.getText("text").insert(0, "one");
  client.getText("text").insert(3, " two");
  const second = document.apply(document.empty, edit(updates[1]!), { actor: "a", time: 1 });
  assert.equal(render(document.value(second)!), render());
  const first = document.apply(second, edit(updates[0]!), { actor: "a", time: 2 });
  assert.match(render(document.value(first)!), /one two/);
  assert.equal(document.apply(first, edit(updates[1]!), { actor: "a", time: 3 }), first);
});

Deno.test("what was deleted while it waited is dropped as soon as its edit can be taken in", () => {
  const [ann, ben] = [clientDocument(2), clientDocument(1)];
  const updates: Uint8Array[] = [];
  for (const client of [ann, ben]) {
    client.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "read") updates.push(update);
    });
  }
  ann.getText("text").insert(0, "a");
  applyUpdate(ben, updates[0]!, "read");
  for (const letter of "bcd") ben.getText("text").insert(1, letter);
  const [a, b, , d] = updates as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  applyUpdate(ann, b, "read");
  ann.getText("text").insert(2, "e");
  ann.getText("text").delete(2, 1);
  const [edit, removal] = updates.slice(4) as [Uint8Array, Uint8Array];
  // The edit waits for the first of Ben's letters, and the last of these for the second.
  const waiting = canonical(a, d, edit, removal);
  const whole = canonical(waiting, b);
  assert.deepEqual(whole, canonical(a, b, d, edit, removal));
  assert.deepEqual(canonical(whole), whole);
});

Deno.test("a removal takes the document with what is edited beside it; one begun anew stays", () => {
  const begun = document.apply(document.empty, edit(UPDATES[0]!), { actor: "a", time: 1 });
  const edited = document.apply(begun, edit(UPDATES[1]!), { actor: "a", time: 2 });
  const removed = document.clear(begun, undefined, { actor: "b", time: 2 });
  assert.equal(document.value(document.merge(edited, removed)), undefined);
  const anew = document.apply(removed, edit(UPDATES[1]!), { actor: "b", time: 3 });
  assert.match(render(document.value(document.merge(edited, anew))!), /eggs/);
});

Deno.test("a delta of one edit is small", () => {
  const client = clientDocument(1);
  let state = document.empty;
  client.on("update", (update: Uint8Array) => {
    const dot = { actor: "a", time: document.latestTime(state) + 1 };
    state = document.apply(state, edit(update), dot);
  });
  client.getText("text").insert(0, "x".repeat(10_000));
  const before = state;
  client.getText("text").insert(5_000, "y");
  const delta = document.encodeDelta(document.delta(before, state));
  assert.ok(delta.length < 60, `${delta.length} bytes`);
  const merged = document.mergeDelta(before, document.decodeDelta(delta))!;
  assert.deepEqual(document.encode(merged), document.encode(state));
});

Deno.test("canonical() gives the same bytes in any order and grouping, which mergeUpdates() does not", () => {
  let differing = 0;
  fc.assert(
    fc.property(
      fc.subarray([...UPDATES], { minLength: 2 }).chain((some) =>
        fc.tuple(
          fc.shuffledSubarray(some, { minLength: some.length }),
          fc.shuffledSubarray(some, { minLength: some.length }),
          fc.nat(some.length),
        )
      ),
      ([one, other, cut]) => {
        const whole = canonical(...one);
        assert.deepEqual(canonical(...other), whole);
        const parts = [canonical(...other.slice(0, cut)), canonical(...other.slice(cut))];
        assert.deepEqual(canonical(...parts), whole);
        assert.deepEqual(canonical(mergeUpdates(other)), whole);
        if (mergeUpdates(one).toHex() !== mergeUpdates(other).toHex()) differing++;
      },
    ),
    { numRuns: 1_000 },
  );
  assert.ok(differing > 50, "or the document would not be needed");
});

Deno.test("whatever is handed in as an update ends in one error or in a document", () => {
  const damaged = fc.tuple(fc.constantFrom(...UPDATES), fc.nat(), fc.nat(255), fc.boolean())
    .map(([update, at, byte, isCut]) => {
      if (isCut) return update.slice(0, at % update.length);
      const bytes = update.slice();
      bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), (update) => {
      try {
        const once = accepted(update);
        assert.deepEqual(canonical(once), once);
      } catch (error) {
        assert.ok(error instanceof MalformedError, String(error));
      }
    }),
    { numRuns: 5_000 },
  );
  // Found by chance: an update that Yjs takes and writes with another byte each time.
  const restless = "02020200010104746578740084020003676773020100040104746578" +
    "74016d81010003020201000101010103";
  assert.throws(() => accepted(Uint8Array.fromHex(restless)), MalformedError);
  const large = new Uint8Array(UPDATE_MAX_BYTES + 1);
  const dot = { actor: "a", time: 1 };
  assert.throws(() => document.apply(document.empty, edit(large), dot), MalformedError);
});

Deno.test("the document keeps the laws", () => checkLaws(documentTest, 4_000));

Deno.test("the document decodes nothing that it did not encode", () => {
  checkHostileBytes(documentTest, 1_000);
});
