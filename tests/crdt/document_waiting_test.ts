import assert from "node:assert/strict";
import fc from "fast-check";
import { applyUpdate, type Doc, encodeStateAsUpdate, Map as YMap, mergeUpdates, Text } from "yjs";
import { MalformedError } from "../../src/base/malformed.ts";
import { document } from "../../src/crdt/document.ts";
import { accepted, canonical, joinUpdates } from "../../src/crdt/document_update.ts";
import { clientDocument, edit } from "./document_twin.ts";

/** One edit of one of four people, told in small numbers. */
interface Step {
  readonly who: number;
  readonly what: number;
  readonly where: number;
  readonly hears: boolean;
  readonly sendsAll: boolean;
}

const steps = fc.array(
  fc.record({
    who: fc.nat(3),
    what: fc.nat(9),
    where: fc.nat(40),
    hears: fc.boolean(),
    sendsAll: fc.nat(9).map((it) => it === 0),
  }),
  { minLength: 2, maxLength: 40 },
);

/** What four people send who write, nest, format and delete, and hear of each other now and then. */
function sent(all: readonly Step[]): Uint8Array[] {
  const people = [1, 2, 3, 4].map(clientDocument);
  const updates: Uint8Array[] = [];
  for (const doc of people) {
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "heard") updates.push(update);
    });
  }
  for (const step of all) {
    const doc = people[step.who]!;
    if (step.hears) applyUpdate(doc, encodeStateAsUpdate(people[(step.who + 1) % 4]!), "heard");
    doc.transact(() => takeStep(doc, step));
    if (step.sendsAll) updates.push(encodeStateAsUpdate(doc));
  }
  return updates;
}

function takeStep(doc: Doc, { what, where, who }: Step): void {
  const [text, list, map] = [doc.getText("text"), doc.getArray("list"), doc.getMap("map")];
  const key = `k${where % 2}`;
  const inner = map.get(key);
  if (what === 0) text.insert(where % (text.length + 1), "ab");
  else if (what === 1) text.insert(text.length, "c");
  else if (what === 2) list.insert(where % (list.length + 1), [where, who]);
  else if (what === 3) list.push([where]);
  else if (what === 4) map.set(key, where);
  else if (what === 5) map.set(key, where % 4 < 2 ? new Text("in") : new YMap([["a", 1]]));
  else if (what === 6 && text.length > 0) text.delete(where % text.length, 1);
  else if (what === 7 && list.length > 0) list.delete(where % list.length, 1);
  else if (what === 8 && text.length > 1) text.format(where % (text.length - 1), 2, { b: true });
  else if (inner instanceof Text) inner.insert(0, "x");
  else if (inner instanceof YMap) inner.set("a", where);
}

/** Some of what was sent, in two orders, and where it is cut in two. */
const losses = fc.record({
  isLost: fc.array(fc.nat(3).map((it) => it === 0), { minLength: 80, maxLength: 80 }),
  order: fc.array(fc.nat(), { minLength: 80, maxLength: 80 }),
  cut: fc.nat(),
});

function shuffled<T>(list: readonly T[], order: readonly number[]): T[] {
  return list.map((item, i) => ({ item, at: order[i % order.length]! }))
    .sort((a, b) => a.at - b.at).map(({ item }) => item);
}

Deno.test("canonical() gives the same bytes whatever is missing, in any order and grouping", () => {
  let waiting = 0;
  fc.assert(
    fc.property(steps, losses, (all, { cut, isLost, order }) => {
      const some = sent(all).filter((_, i) => !isLost[i % isLost.length]);
      if (some.length === 0) return;
      const whole = canonical(...some);
      if (hasGap(whole)) waiting++;
      assert.deepEqual(canonical(whole), whole, "again");
      assert.deepEqual(accepted(mergeUpdates(some)), whole, "merged by Yjs");
      const others = shuffled(some, order);
      assert.deepEqual(canonical(...others), whole, "in another order");
      const at = cut % others.length;
      const parts = [others.slice(0, at), others.slice(at)].filter(({ length }) => length > 0)
        .map((part) => canonical(...part));
      for (const part of parts) assert.deepEqual(canonical(part), part, "a part");
      assert.deepEqual(joinUpdates(parts[0]!, ...parts.slice(1)), whole, "in parts");
      const oneByOne = others.map((update) => accepted(update))
        .reduce((before, update) => canonical(before, update));
      assert.deepEqual(oneByOne, whole, "one by one");
    }),
    { numRuns: 2_000 },
  );
  assert.ok(waiting > 200, `only ${waiting} had something that waited`);
});

function hasGap(update: Uint8Array): boolean {
  const doc = clientDocument(9);
  applyUpdate(doc, update);
  return doc.store.pendingStructs !== null;
}

Deno.test("a value that is appended to one that waits can be read again", () => {
  const [ann, ben] = [clientDocument(2), clientDocument(1)];
  ann.getArray("list").push(["lost", "end"]);
  const lost = encodeStateAsUpdate(ann);
  const updates: Uint8Array[] = [];
  ann.on("update", (update: Uint8Array) => updates.push(update));
  ann.getArray("list").insert(1, ["one"]);
  ann.getArray("list").insert(2, ["two"]);
  ben.getArray("list").push(["of Ben"]);
  let state = document.empty;
  for (const [i, update] of [encodeStateAsUpdate(ben), ...updates].entries()) {
    state = document.apply(state, edit(update), { actor: "a", time: i + 1 });
    assert.deepEqual(document.decode(document.encode(state)), state);
  }
  state = document.apply(state, edit(lost), { actor: "a", time: 9 });
  assert.deepEqual(
    document.value(state),
    canonical(encodeStateAsUpdate(ann), encodeStateAsUpdate(ben)),
  );
});

Deno.test("a disk may have what waits as Yjs has it, until the next edit", () => {
  const ann = clientDocument(1);
  const updates: Uint8Array[] = [];
  ann.on("update", (update: Uint8Array) => updates.push(update));
  for (const word of ["lost", "one", "two"]) ann.getArray("list").push([word]);
  for (let i = 0; i < 3; i++) ann.getText("text").insert(i, "x");
  const [lost, ...some] = updates as [Uint8Array, ...Uint8Array[]];
  const state = some.reduce(
    (before, update, i) => document.apply(before, edit(update), { actor: "a", time: i + 1 }),
    document.empty,
  );
  const [edited] = state.store;
  const stored = { ...state, store: [{ ...edited!, update: mergeUpdates(some) }] };
  assert.notDeepEqual(document.encode(stored), document.encode(state));
  const read = document.decode(document.encode(stored));
  assert.deepEqual(read, stored);
  assert.deepEqual(joinUpdates(read.store[0]!.update, edited!.update), edited!.update);
  const whole = document.apply(read, edit(lost), { actor: "a", time: 9 });
  assert.deepEqual(document.value(whole), canonical(encodeStateAsUpdate(ann)));
  // What is not merged at all is in neither form.
  const apart = { ...state, store: [{ ...edited!, update: mergeUpdates(updates) }] };
  assert.throws(() => document.decode(document.encode(apart)), MalformedError);
});

Deno.test("what a delta brings of what waits makes the same as all that it was made of", () => {
  fc.assert(
    fc.property(steps, losses, (all, { isLost, order }) => {
      const some = shuffled(sent(all).filter((_, i) => !isLost[i % isLost.length]), order);
      let state = document.empty;
      for (const [i, update] of some.entries()) {
        const before = state;
        state = document.apply(before, edit(update), { actor: "a", time: i + 1 });
        const delta = document.decodeDelta(document.encodeDelta(document.delta(before, state)));
        assert.deepEqual(document.mergeDelta(before, delta) ?? before, state);
      }
    }),
    { numRuns: 500 },
  );
});
