import assert from "node:assert/strict";
import {
  entries,
  entryOf,
  estimate,
  fromRanks,
  joinRegisters,
  NO_REGISTERS,
  raise,
  RANK_MAX,
  REGISTERS,
  SPARSE_MAX,
} from "../../src/crdt/hyperloglog_registers.ts";

/** Register and rank of a hash. */
function place(hash: bigint): [number, number] {
  const entry = entryOf(hash);
  return [Math.floor(entry / 64), entry % 64];
}

Deno.test("entryOf() takes the lowest 14 bits for the register and the first 1 above for the rank", () => {
  assert.deepEqual(place(0x3fffn), [REGISTERS - 1, RANK_MAX]);
  for (let bit = 14n; bit < 64n; bit++) {
    assert.deepEqual(place((1n << bit) | 5n), [5, Number(bit) - 13]);
    assert.deepEqual(place((1n << 63n) | (1n << bit)), [0, Number(bit) - 13]);
  }
});

Deno.test("registers mean the same as a list and as bytes", () => {
  const few = Array.from({ length: SPARSE_MAX }, (_, index) => index * 64 + 1 + index % 7);
  const more = [...few, SPARSE_MAX * 64 + 3];
  const sparse = raise(NO_REGISTERS, few);
  const dense = raise(NO_REGISTERS, more);
  assert.ok(sparse instanceof Uint32Array && dense instanceof Uint8Array);
  assert.deepEqual([...entries(sparse)], few);
  assert.deepEqual([...entries(dense)], more);
  assert.equal(joinRegisters(dense, sparse), dense, "nothing rises");
  assert.deepEqual(joinRegisters(sparse, dense), dense);
  assert.equal(raise(dense, few), dense);
});

Deno.test("the estimate of nothing is 0, and that of full registers is finite", () => {
  assert.equal(estimate(NO_REGISTERS), 0);
  const full = fromRanks(new Map(Array.from({ length: REGISTERS }, (_, i) => [i, RANK_MAX - 1])));
  assert.ok(Number.isFinite(estimate(full)));
});
