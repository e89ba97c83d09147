import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { HashTrees, type ReadRange } from "../../src/replica/hash_trees.ts";

const PARTITION = 5;

function objectOf(text: string): DataObject {
  const value = { kind: "text", bytes: utf8(text) } as const;
  return DataObject.empty.write({ actor: "n1~a", time: 1 }, value, undefined, undefined);
}

/** A store of one partition whose reads wait until they are let go. */
class SlowStore {
  readonly objects = new Map<string, DataObject>();
  readonly trees: HashTrees;
  readonly #waiting: (() => void)[] = [];
  readonly spans: string[] = [];

  constructor() {
    const readRange: ReadRange = async ({ partition, after }, until, limit) => {
      this.spans.push(`${partition}-${until}`);
      const page = [...this.objects].sort(([a], [b]) => (a < b ? -1 : 1))
        .filter(([key]) => after === undefined || key > utf8Text(after)).slice(0, limit)
        .map(([key, object]) => ({ partition: PARTITION, key: utf8(key), object }));
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return page;
    };
    this.trees = new HashTrees(readRange, (key) => utf8Text(key).startsWith("one/") ? 1 : 3);
  }

  write(key: string, text: string | undefined): void {
    const before = this.objects.get(key);
    const after = text === undefined ? undefined : objectOf(text);
    if (after === undefined) this.objects.delete(key);
    else this.objects.set(key, after);
    this.trees.changed(PARTITION, utf8(key), before, after);
  }

  /** Lets one read go on. */
  async step(): Promise<void> {
    this.#waiting.shift()?.();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  async root(copies = 3): Promise<bigint> {
    const tree = Promise.resolve(this.trees.get(PARTITION, copies));
    let isDone = false;
    tree.finally(() => isDone = true).catch(() => {});
    while (!isDone) await this.step();
    return (await tree).root();
  }
}

Deno.test("a tree follows every write, and is the same as one built from nothing", async () => {
  const store = new SlowStore();
  store.write("a", "1");
  await store.root();
  for (const [key, text] of [["b", "2"], ["a", "3"], ["c", "4"], ["b", undefined]] as const) {
    store.write(key, text);
  }
  const followed = await store.root();
  assert.deepEqual(store.spans, ["0-16383"], "it was built once, with all others");
  store.trees.forget(PARTITION);
  assert.equal(store.trees.peek(PARTITION, 3), undefined);
  assert.equal(await store.root(), followed);
  assert.deepEqual(store.spans.slice(1), ["5-5"], "only what was forgotten is built again");
});

Deno.test("what is written while a tree is built is in it as it is at the end, whenever it came", async () => {
  const writes = fc.array(fc.record({
    key: fc.constantFrom("a", "b", "c"),
    text: fc.option(fc.constantFrom("1", "2"), { nil: undefined }),
    isNow: fc.boolean(),
  }));
  await fc.assert(fc.asyncProperty(writes, writes, async (before, during) => {
    const store = new SlowStore();
    for (const { key, text } of before) store.write(key, text);
    const building = store.trees.get(PARTITION, 3);
    for (const { key, text, isNow } of during) {
      store.write(key, text);
      if (isNow) await store.step();
    }
    const root = await store.root();
    assert.equal((await building).root(), root);
    store.trees.forget(PARTITION);
    assert.equal(await store.root(), root);
  }));
});

Deno.test("what has been found and changes before all is found counts as it is at the end", async () => {
  const store = new SlowStore();
  const keys = Array.from({ length: 600 }, (_, i) => `key ${i.toString().padStart(3, "0")}`);
  for (const key of keys) store.write(key, "1");
  const building = store.trees.get(PARTITION, 3);
  // A page has been found, and the next is being read.
  while (store.spans.length < 2) await store.step();
  for (const at of [0, 100, 255, 256, 300, 599]) {
    store.write(keys[at]!, "2");
    store.write(keys[at]!, "3");
  }
  for (const at of [1, 257, 598]) store.write(keys[at]!, undefined);
  for (const key of ["key 000a", "key 300a", "key 999"]) store.write(key, "4");
  const root = await store.root();
  assert.equal((await building).root(), root);
  store.trees.forget(PARTITION);
  assert.equal(await store.root(), root);
});

Deno.test("namespaces with another number of copies have trees of their own", async () => {
  const store = new SlowStore();
  store.write("a", "1");
  const [three, one] = [await store.root(3), await store.root(1)];
  store.write("one/a", "1");
  assert.equal(await store.root(3), three);
  assert.notEqual(await store.root(1), one);
});

Deno.test("a partition that is forgotten while its tree is built is built again", async () => {
  const store = new SlowStore();
  store.write("a", "1");
  const tree = store.trees.get(PARTITION, 3);
  store.trees.forget(PARTITION);
  store.write("b", "2");
  const root = await store.root();
  assert.equal((await tree).root(), root);
});
