import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  fromRanks,
  RANK_MAX,
  REGISTERS,
  SPARSE_MAX,
} from "../../src/crdt/hyperloglog_registers.ts";
import { map, type NestedOperation } from "../../src/crdt/map.ts";
import { decodeOperation, encodeOperation } from "../../src/crdt/operation_codec.ts";
import { UPDATES } from "./document_twin.ts";
import { mapOperations } from "./map_twin.ts";

const nested = mapOperations.map((operation): NestedOperation => ({ type: "map", operation }));

Deno.test("decodeOperation() gives back what encodeOperation() was given", () => {
  const single: NestedOperation[] = [
    { type: "counter", operation: { kind: "add", amount: -5, id: undefined } },
    { type: "min", operation: { kind: "put", value: -0.5 } },
    { type: "max", operation: { kind: "put", value: Number.MAX_VALUE } },
    { type: "flag", operation: { kind: "disable", seen: undefined } },
    { type: "document", operation: { kind: "edit", update: UPDATES[0]!.slice() } },
    { type: "set", operation: { kind: "add", elements: [] } },
    ...[0, 1, SPARSE_MAX, SPARSE_MAX + 1, REGISTERS].map((count): NestedOperation => {
      const ranks = new Map(Array.from({ length: count }, (_, i) => [i, 1 + i % RANK_MAX]));
      return { type: "hyperloglog", operation: { kind: "merge", registers: fromRanks(ranks) } };
    }),
  ];
  for (const operation of single) {
    assert.deepEqual(decodeOperation(encodeOperation(operation)), operation);
  }
  fc.assert(fc.property(nested, (operation) => {
    const decoded = decodeOperation(encodeOperation(operation));
    assert.deepEqual(encodeOperation(decoded), encodeOperation(operation));
    const dot = { actor: "a", time: 1 };
    const states = [operation, decoded].map((it) =>
      map.apply(map.empty, it.operation as never, dot)
    );
    assert.deepEqual(map.encode(states[0]!), map.encode(states[1]!));
  }));
});

Deno.test("operations come back with their numbers at their edges", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const amount = fc.constantFrom(0, 1, -1, most, -most);
  const count = fc.constantFrom(0, 1, 127, 128, most - 1, most);
  const session = fc.constantFrom("", "s", "€".repeat(128));
  const id = fc.option(
    fc.record({ session, number: count, untilMs: count }, { noNullPrototype: true }),
    { nil: undefined },
  );
  const value = fc.constantFrom(0, -0, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE);
  const operation: fc.Arbitrary<NestedOperation> = fc.oneof(
    fc.record({ amount, id }).map((it): NestedOperation => {
      return { type: "counter", operation: { kind: "add", ...it } };
    }),
    fc.tuple(fc.constantFrom("max" as const, "min" as const), value).map(([type, value]) => {
      return { type, operation: { kind: "put", value } } as const;
    }),
  );
  fc.assert(fc.property(operation, (operation) => {
    assert.deepEqual(decodeOperation(encodeOperation(operation)), operation);
  }));
  for (const value of [NaN, Infinity, -Infinity]) {
    const bytes = encodeOperation({ type: "max", operation: { kind: "put", value } });
    assert.throws(() => decodeOperation(bytes), /a number is infinite, or none/);
  }
});

Deno.test("registers that no HyperLogLog has are malformed", () => {
  const HYPERLOGLOG = 7;
  const MERGE = 1;
  const registers: number[][] = [
    [1, RANK_MAX + 1], // A rank that no hash has.
    [1, 64], // None at all.
    [2, 65, 1], // The same register twice.
    [2, 65], // One is missing.
    [1, 0x80 | 1, 0x80, 0x40], // A register beyond the last.
    [0x80 | 1, 0x80, 1], // More than a list may have, and nothing of them.
    [0x80 | 1, 0x80, 0x80, 1], // More than there are.
  ];
  for (const bytes of registers) {
    const hostile = Uint8Array.of(HYPERLOGLOG, MERGE, ...bytes);
    assert.throws(() => decodeOperation(hostile), MalformedError, `${bytes}`);
  }
});

Deno.test("hostile bytes are malformed, and end", () => {
  const flipped = fc.tuple(nested, fc.nat(), fc.nat(255)).map(([operation, at, byte]) => {
    const bytes = encodeOperation(operation);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  const deep = Uint8Array.from({ length: 60 }, (_, i) => [2, 0, 1, 97][i % 4]!);
  assert.throws(() => decodeOperation(deep), MalformedError);
  assert.throws(() => decodeOperation(utf8("milk")), MalformedError);
  fc.assert(fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 40 })), (bytes) => {
    let operation: NestedOperation;
    try {
      operation = decodeOperation(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error));
      return;
    }
    assert.deepEqual(encodeOperation(operation), bytes, "what is read is written the same");
  }));
});
