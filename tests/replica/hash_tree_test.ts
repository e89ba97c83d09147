import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { hash64 } from "../../src/base/hash.ts";
import { differingLeaves, HashTree, LEAF_COUNT, leafOf } from "../../src/replica/hash_tree.ts";

const entries = fc.array(fc.record({ key: fc.string(), digest: fc.bigInt(0n, 2n ** 64n - 1n) }));

function treeOf(all: readonly { key: string; digest: bigint }[]): HashTree {
  const tree = new HashTree();
  for (const { key, digest } of all) tree.toggle(leafOf(utf8(key)), digest);
  return tree;
}

Deno.test("two trees of the same entries are the same, in whatever order they were put in", () => {
  fc.assert(fc.property(entries, (all) => {
    const [one, other] = [treeOf(all), treeOf(all.toReversed())];
    assert.equal(one.root(), other.root());
    assert.deepEqual(one.leaves(), other.leaves());
  }));
});

Deno.test("toggle() takes out what it has put in", () => {
  fc.assert(fc.property(entries, entries, (all, more) => {
    assert.equal(treeOf([...all, ...more, ...more]).root(), treeOf(all).root());
  }));
});

Deno.test("one entry more or another digest shows in the root and in the leaf of its key alone", () => {
  fc.assert(fc.property(entries, fc.string(), (all, key) => {
    const tree = treeOf(all);
    const other = treeOf([...all, { key, digest: 7n }]);
    const changed = treeOf([...all, { key, digest: 8n }]);
    assert.notEqual(tree.root(), other.root());
    assert.notEqual(changed.root(), other.root());
    const leaf = leafOf(utf8(key));
    assert.ok(leaf >= 0 && leaf < LEAF_COUNT);
    assert.deepEqual(differingLeaves(tree.leaves(), other.leaves()), [leaf]);
    assert.deepEqual(differingLeaves(changed.leaves(), other.leaves()), [leaf]);
  }));
});

Deno.test("the keys of one partition spread over all leaves", () => {
  const counts = new Array<number>(LEAF_COUNT).fill(0);
  for (let i = 0, found = 0; found < 6_400; i++) {
    const key = utf8(`key ${i}`);
    if (hash64(key) >> 62n !== 1n) continue;
    counts[leafOf(key)]!++;
    found++;
  }
  assert.ok(Math.min(...counts) > 100 && Math.max(...counts) < 400, counts.join(" "));
});
