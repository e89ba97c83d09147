import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { History, type Write } from "./history.ts";

const key = utf8("k1");
const at = { node: "n1", run: 1, nowMs: 0 };

/** A put without a context, at a copy that holds `before` and then `object`. */
function drew(history: History, actor: string, before: DataObject, object: DataObject): Write {
  const operation = history.begin({
    client: "c1",
    node: "n1",
    key: "k1",
    kind: "put",
    value: `v${history.writes.length}`,
    needed: 1,
    readNeeded: 1,
    shown: undefined,
    invokedAtMs: 0,
  });
  const dot = { actor, time: object.timeOf(actor) };
  return history.drew(operation, { partition: 1, key, dot, before, object }, at);
}

function put(held: DataObject, actor: string, time: number): DataObject {
  const value = { kind: "text", bytes: utf8(`${actor}:${time}`) } as const;
  return held.write({ actor, time }, value, undefined, undefined);
}

Deno.test("a put without a context has met what its coordinator held", () => {
  const history = new History();
  const one = put(DataObject.empty, "a", 1);
  const first = drew(history, "a", DataObject.empty, one);
  assert.deepEqual(drew(history, "a", one, put(one, "a", 2)).met, [first]);
});

Deno.test("a put has met what its copy lost after it had read, and so another actor wrote on", () => {
  const history = new History();
  const one = put(DataObject.empty, "a", 1);
  const first = drew(history, "a", DataObject.empty, one);
  assert.deepEqual(drew(history, "b", DataObject.empty, put(one, "b", 2)).met, [first]);
});

Deno.test("an actor that covers what its copy has forgotten has not met it", () => {
  const history = new History();
  drew(history, "a", DataObject.empty, put(DataObject.empty, "a", 1));
  const second = drew(history, "a", DataObject.empty, put(DataObject.empty, "a", 2));
  assert.deepEqual(second.met, []);
});
