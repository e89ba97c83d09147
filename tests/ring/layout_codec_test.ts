import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { hash64Hex } from "../../src/base/hash.ts";
import type { LayoutContent } from "../../src/ring/layout.ts";
import { decodeLayout, encodeLayout, makeLayout } from "../../src/ring/layout_codec.ts";
import { planLayout } from "../../src/ring/planner.ts";
import { memberList, members } from "./arbitrary_members.ts";

const small: LayoutContent = {
  version: 3,
  members: memberList(3, (i) => `d1/r${i + 1}`),
  partitions: 256,
  replication: 2,
  assignment: Array.from({ length: 256 }, (_, partition) => [partition % 3, (partition + 1) % 3]),
};

/** The bytes of `small` after a change that `makeLayout` would refuse. */
function forged(change: Partial<LayoutContent>): Uint8Array {
  return encodeLayout({ ...small, ...change });
}

Deno.test("decodeLayout() gives back the layout that was encoded, under the same id", () => {
  const layout = makeLayout(small);
  const bytes = encodeLayout(layout);
  assert.equal(layout.id, `3-${hash64Hex(bytes)}`);
  assert.deepEqual(decodeLayout(bytes), layout);
});

Deno.test("decodeLayout(encodeLayout(x)) is x for every planned layout", () => {
  fc.assert(
    fc.property(
      members(),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      (list, replication, version) => {
        const layout = planLayout({ version, members: list, partitions: 256, replication });
        assert.deepEqual(decodeLayout(encodeLayout(layout)), layout);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("Layouts that differ anywhere have different ids", () => {
  const [n1, n2, n3] = small.members;
  const others: Partial<LayoutContent>[] = [
    { version: 4 },
    { members: [n1!, n2!, { ...n3!, weight: 2 }] },
    { members: [n1!, n2!, { ...n3!, zone: "d1/r4" }] },
    { members: [n1!, n2!, { ...n3!, node: "n4" }] },
    { assignment: [[1, 0], ...small.assignment.slice(1)] },
  ];
  const ids = others.map((change) => makeLayout({ ...small, ...change }).id);
  assert.equal(new Set([...ids, makeLayout(small).id]).size, others.length + 1);
});

Deno.test("A layout is frozen to its depths and shares nothing with what it was made of", () => {
  const assignment = small.assignment.map((owners) => [...owners]);
  const layout = makeLayout({ ...small, assignment });
  assignment[0]![0] = 2;
  assert.deepEqual(layout.assignment[0], [0, 1]);
  for (const part of [layout, layout.members, layout.members[0], layout.assignment]) {
    assert.ok(Object.isFrozen(part));
  }
  assert.ok(layout.assignment.every(Object.isFrozen));
});

Deno.test("decodeLayout() refuses bytes that end anywhere too early or too late", () => {
  const bytes = encodeLayout(small);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeLayout(bytes.subarray(0, length)), MalformedError);
  }
  assert.throws(() => decodeLayout(new Uint8Array([...bytes, 0])), /1 bytes are left over/);
});

Deno.test("decodeLayout() refuses bytes with a change, or reads another layout that encodes to them", () => {
  const bytes = encodeLayout(small);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = bytes.slice();
      changed[at]! ^= change;
      let layout;
      try {
        layout = decodeLayout(changed);
      } catch (error) {
        assert.ok(error instanceof MalformedError);
        return;
      }
      assert.deepEqual(encodeLayout(layout), changed);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("decodeLayout() and makeLayout() name what is wrong with a layout", () => {
  const [n1, n2, n3] = small.members;
  const rest = small.assignment.slice(1);
  const wrong: [Partial<LayoutContent>, RegExp][] = [
    [{ version: 0 }, /version 0 is below 1/],
    [{ partitions: 128 }, /128 partitions are not a power of two/],
    [{ partitions: 32768 }, /32768 partitions are not a power of two/],
    [{ replication: 0 }, /replication 0 is not from 1 to 16/],
    [{ replication: 17 }, /replication 17 is not from 1 to 16/],
    [{ members: [] }, /0 members are not from 1/],
    [{ members: [n1!, n3!, n2!] }, /node "n2" is out of order/],
    [{ members: [n1!, n2!, n2!] }, /node "n2" is named twice/],
    [{ members: [n1!, n2!, { ...n3!, node: "n 3" }] }, /node name "n 3"/],
    [{ members: [n1!, n2!, { ...n3!, node: "n".repeat(65) }] }, /node name "n+"/],
    [{ members: [n1!, n2!, { ...n3!, zone: "a/b/c" }] }, /zone "a\/b\/c" of node "n3"/],
    [{ members: [n1!, n2!, { ...n3!, weight: NaN }] }, /weight NaN of node "n3"/],
    [{ members: [n1!, n2!, { ...n3!, weight: 0 }] }, /weight 0 of node "n3"/],
    [{ members: [n1!, n2!, { ...n3!, weight: 101 }] }, /weight 101 of node "n3"/],
    [{ assignment: [[0, 3], ...rest] }, /partition 0 has owner 3 of 3 members/],
    [{ assignment: [[1, 1], ...rest] }, /partition 0 has owner 1 twice/],
  ];
  for (const [change, message] of wrong) {
    assert.throws(() => makeLayout({ ...small, ...change }), (error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
    assert.throws(() => decodeLayout(forged(change)), (error) => {
      assert.ok(error instanceof MalformedError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.throws(() => makeLayout({ ...small, assignment: rest }), /255 partitions are assigned/);
  const alone = [[0], ...rest];
  assert.throws(() => makeLayout({ ...small, assignment: alone }), /partition 0 has 1 owners of 2/);
});

Deno.test("decodeLayout() refuses an unknown format, replication kind and huge counts", () => {
  const bytes = encodeLayout(small);
  const patched = (at: number, ...values: number[]) => {
    const changed = bytes.slice();
    changed.set(values, at);
    return changed;
  };
  assert.throws(() => decodeLayout(patched(0, 2)), /format 2 is unknown/);
  assert.throws(() => decodeLayout(patched(2, 31)), /2\^31 partitions are too many/);
  assert.throws(() => decodeLayout(patched(3, 1)), /replication kind 1 is unknown/);
  assert.throws(() => decodeLayout(patched(5, 0xff, 0xff, 0x7f)), /2097151 members are too many/);
});
