import assert from "node:assert/strict";
import fc from "fast-check";
import { applyUpdate, Doc, encodeStateAsUpdate, Map as YMap } from "yjs";
import { MalformedError } from "../../src/base/malformed.ts";
import { accepted, canonical, UPDATE_MAX_BYTES } from "../../src/crdt/document_update.ts";
import { scanUpdate } from "../../src/crdt/update_scan.ts";
import { withJoinedLists } from "../../src/crdt/update_joining.ts";
import { clientDocument, UPDATES } from "./document_twin.ts";
import { HOSTILE_UPDATES } from "./hostile_updates.ts";

/** What somebody may have typed, at all places of a long text: nearly as large as an update may be. */
function longText(): Uint8Array {
  const client = clientDocument(1);
  const text = client.getText("text");
  let seed = 1;
  for (let i = 0; i < 27_000; i++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    text.insert(seed % (text.length + 1), "abc");
  }
  return encodeStateAsUpdate(client);
}

function tookMs(work: () => unknown): number {
  const beganAtMs = performance.now();
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof MalformedError, String(error));
  }
  return performance.now() - beganAtMs;
}

Deno.test("no update takes more than some times as long as an honest one of its size", () => {
  const honest = longText();
  assert.ok(honest.length > 0.8 * UPDATE_MAX_BYTES && honest.length < UPDATE_MAX_BYTES);
  const honestMs = Math.min(tookMs(() => canonical(honest)), tookMs(() => canonical(honest)));
  assert.deepEqual(canonical(honest), honest);
  for (const { make, name } of HOSTILE_UPDATES) {
    const update = make();
    assert.ok(update.length <= UPDATE_MAX_BYTES, name);
    const ms = tookMs(() => canonical(update));
    assert.ok(ms < 20 * honestMs, `${name}: ${ms} ms, an honest one ${honestMs} ms`);
  }
});

for (const { isRefused, make, name } of HOSTILE_UPDATES) {
  Deno.test(`${isRefused ? "refused" : "accepted"}: ${name}`, () => {
    if (isRefused) assert.throws(() => accepted(make()), MalformedError);
    else assert.ok(accepted(make()).length > 0);
  });
}

Deno.test("lists that were appended to one by one are the same as if they were written at once", () => {
  const client = clientDocument(1);
  const updates: Uint8Array[] = [];
  client.on("update", (update: Uint8Array) => updates.push(update));
  const list = client.getArray<unknown>("list");
  for (let i = 0; i < 50; i++) list.push([i, { i }]);
  const map = new YMap();
  list.push([map, "behind"]);
  for (let i = 0; i < 50; i++) list.insert(10, [i]);
  const other = clientDocument(2);
  applyUpdate(other, encodeStateAsUpdate(client));
  other.getArray("list").delete(3, 90);
  const state = encodeStateAsUpdate(other);
  assert.deepEqual(canonical(...updates, state), state);
  assert.deepEqual(canonical(state), state);
});

/** What some people who do not hear of each other do to one document, told in small numbers. */
const edits = fc.array(
  fc.record({ who: fc.nat(3), what: fc.nat(4), where: fc.nat(40), hears: fc.boolean() }),
  { maxLength: 60 },
);

Deno.test("an element is put where Yjs would put it", () => {
  fc.assert(fc.property(edits, (all) => {
    const people = [1, 2, 3, 4].map(clientDocument);
    const updates: Uint8Array[] = [];
    for (const doc of people) {
      doc.on("update", (update: Uint8Array, origin: unknown) => {
        if (origin !== "heard") updates.push(update);
      });
    }
    for (const { hears, what, where, who } of all) {
      const doc = people[who]!;
      if (hears) applyUpdate(doc, encodeStateAsUpdate(people[(who + 1) % 4]!), "heard");
      const [text, list] = [doc.getText("text"), doc.getArray("list")];
      if (what === 0) text.insert(where % (text.length + 1), "ab");
      else if (what === 1) list.insert(where % (list.length + 1), [where, who]);
      else if (what === 2) doc.getMap("map").set(`k${where % 3}`, where);
      else if (what === 3 && text.length > 0) text.delete(where % text.length, 1);
      else if (what === 4 && list.length > 0) list.delete(where % list.length, 1);
    }
    const plain = new Doc({ gc: true });
    for (const update of updates) applyUpdate(plain, update);
    assert.deepEqual(canonical(...updates), encodeStateAsUpdate(plain));
  }));
});

Deno.test("the scan sees what Yjs has written, and joins nothing that is not a list", () => {
  for (const update of UPDATES) {
    const scanned = scanUpdate(update);
    assert.equal(scanned.bytes, update);
    assert.equal(withJoinedLists(scanned), update);
    const last = scanned.runs.at(-1)?.structs.at(-1);
    if (last !== undefined) assert.equal(last.end, scanned.deletionsStart);
  }
});
