import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type { Dot } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { MergedValues } from "../../src/crdt/merged_values.ts";
import { onlyRemoves, update, UpdateError } from "../../src/crdt/typed_update.ts";

const NOW = 1_000_000;

/** One node that coordinates: its actor and its clock. */
class Node {
  readonly #actor: string;
  object = DataObject.empty;

  constructor(name: string) {
    this.#actor = `${name}~1`;
  }

  readonly nextDot = (above: number): Dot => ({ actor: this.#actor, time: above + 1 });

  do(...operations: NestedOperation[]) {
    const { object, results } = update(this.object, operations, undefined, this.nextDot, NOW);
    this.object = object;
    return results;
  }

  put(text: string, expiresAtMs?: number): void {
    const dot = this.nextDot(this.object.latestTime());
    const value = { kind: "text", bytes: utf8(text) } as const;
    this.object = this.object.write(dot, value, undefined, expiresAtMs);
  }

  get values(): MergedValues {
    return new MergedValues(this.object.liveValues(NOW));
  }
}

function count(amount: number): NestedOperation {
  return { type: "counter", operation: { kind: "add", amount, id: undefined } };
}

function add(...elements: string[]): NestedOperation {
  return { type: "set", operation: { kind: "add", elements: elements.map(utf8) } };
}

function take(...elements: string[]): NestedOperation {
  const operation = { kind: "remove", elements: elements.map(utf8), seen: undefined } as const;
  return { type: "set", operation };
}

function under(key: string, nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key: utf8(key), nested } };
}

function set(text: string): NestedOperation {
  const value = { kind: "text", bytes: utf8(text) } as const;
  return { type: "register", operation: { kind: "set", value } };
}

function removeKeys(...keys: string[]): NestedOperation {
  return { type: "map", operation: { kind: "remove", keys: keys.map(utf8), seen: undefined } };
}

Deno.test("update() tells of each operation what it has changed", () => {
  const node = new Node("n1");
  assert.deepEqual(node.do(add("milk", "eggs"), take("milk", "tea"), add("eggs")), [
    { changed: 2, count: undefined },
    { changed: 1, count: undefined },
    { changed: 0, count: undefined },
  ]);
  const other = new Node("n1");
  assert.deepEqual(other.do(count(5), count(-7)).map(({ count }) => count), [5n, -2n]);
  const hash = new Node("n1");
  assert.deepEqual(
    hash.do(under("a", set("1")), under("b", count(3)), removeKeys("a", "a", "c")),
    [{ changed: 1, count: undefined }, { changed: 1, count: 3n }, { changed: 1, count: undefined }],
  );
});

Deno.test("a value of another type is in the way, and nothing is done", () => {
  const node = new Node("n1");
  node.do(add("milk"));
  assert.throws(() => node.do(count(1)), { problem: "wrong_type" });
  node.put("hello");
  assert.deepEqual(node.values.types, []);
  assert.throws(() => node.do(add("milk")), { problem: "wrong_type" });
  assert.throws(() => node.do(count(1)), { problem: "not_a_number" });
  assert.throws(() => node.do(under("x", count(1))), UpdateError);
  assert.deepEqual(node.values.types, []);
});

Deno.test("a number that was put is where a counter begins, once, though two nodes begin at once", () => {
  const left = new Node("n1");
  left.put("10");
  const right = new Node("n2");
  right.object = left.object;
  assert.deepEqual(left.do(count(1))[0]!.count, 11n);
  assert.deepEqual(right.do(count(5))[0]!.count, 15n);
  left.object = left.object.merge(right.object);
  assert.equal(left.values.valueOf("counter"), 16n);
  assert.deepEqual(left.object.live(NOW), []);
});

Deno.test("a field that was set is where a counter begins, and to set it ends the counter", () => {
  const left = new Node("n1");
  left.do(under("visits", set("10")));
  const right = new Node("n2");
  right.object = left.object;
  assert.deepEqual(left.do(under("visits", count(1))), [{ changed: 0, count: 11n }]);
  assert.deepEqual(right.do(under("visits", count(5))), [{ changed: 0, count: 15n }]);
  left.object = left.object.merge(right.object);
  const visits = left.values.at(utf8("visits"));
  assert.deepEqual(visits.types, ["counter"]);
  assert.equal(visits.valueOf("counter"), 16n);
  assert.deepEqual(left.do(under("visits", set("none"))), [{ changed: 0, count: undefined }]);
  assert.deepEqual(left.values.at(utf8("visits")).types, ["register"]);
  assert.throws(() => left.do(under("visits", count(1))), { problem: "not_a_number" });
});

Deno.test("what has ended does not end what begins after it", () => {
  const node = new Node("n1");
  node.put("hello", NOW - 1);
  assert.deepEqual(node.do(add("milk"))[0]!.changed, 1);
  assert.deepEqual(node.values.types, ["set"]);
  const dot = node.nextDot(node.object.latestTime());
  node.object = node.object.expire(dot, NOW - 1);
  assert.deepEqual(node.values.types, []);
  assert.deepEqual(node.do(add("tea"))[0]!.changed, 1);
  assert.deepEqual((node.values.valueOf("set") ?? []).map(utf8Text), ["tea"]);
});

Deno.test("what is removed is what the client has seen, and a later add stays", () => {
  const node = new Node("n1");
  node.do(add("milk"));
  const seen = node.object.vector();
  node.do(add("milk"));
  const removal = update(node.object, [take("milk")], seen, node.nextDot, NOW);
  assert.equal(removal.results[0]!.changed, 0);
  assert.equal(
    update(node.object, [take("milk")], node.object.vector(), node.nextDot, NOW).results[0]!
      .changed,
    1,
  );
});

Deno.test("onlyRemoves() knows what needs no write where there is nothing", () => {
  assert.ok(onlyRemoves(take("milk")));
  assert.ok(onlyRemoves(removeKeys("a")));
  assert.ok(onlyRemoves(under("a", take("milk"))));
  assert.ok(onlyRemoves({ type: "flag", operation: { kind: "disable", seen: undefined } }));
  assert.ok(!onlyRemoves(add("milk")));
  assert.ok(!onlyRemoves(under("a", count(1))));
});
