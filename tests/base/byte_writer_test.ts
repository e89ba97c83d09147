import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { ByteReader } from "../../src/base/byte_reader.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { MalformedError } from "../../src/base/malformed.ts";

type Item =
  | { readonly kind: "byte" | "integer" | "uint32"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array };

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant("byte" as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("integer" as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant("uint32" as const), value: fc.nat(0xffffffff) }),
  fc.record({
    kind: fc.constant("text" as const),
    value: fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
  }),
  fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array() }),
);

function write(writer: ByteWriter, { kind, value }: Item): void {
  (writer[kind] as (value: unknown) => void).call(writer, value);
}

Deno.test("what a ByteWriter wrote a ByteReader reads", () => {
  fc.assert(fc.property(fc.array(item), (items) => {
    const writer = new ByteWriter(1);
    for (const item of items) write(writer, item);
    const reader = new ByteReader(writer.finish(), "test");
    for (const { kind, value } of items) assert.deepEqual(reader[kind](), value);
    reader.end();
  }));
});

Deno.test("a text is its UTF-8, plain or not", () => {
  for (const text of ["", "n1~AAAA", "é", "plain and then ü", "😀"]) {
    const writer = new ByteWriter(1);
    writer.text(text);
    const bytes = utf8(text);
    assert.deepEqual(writer.finish(), new Uint8Array([bytes.length, ...bytes]));
  }
});

Deno.test("a ByteReader throws one error past the end, and for integers that are not the shortest", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), fc.array(item), (bytes, items) => {
    const reader = new ByteReader(bytes, "test");
    try {
      for (const { kind } of items) reader[kind]();
    } catch (error) {
      assert.ok(error instanceof MalformedError);
    }
  }));
  assert.throws(() => new ByteReader(new Uint8Array([0x80, 0]), "test").integer(), /padded/);
  const tooLarge = new Uint8Array([255, 255, 255, 255, 255, 255, 255, 127]);
  assert.throws(() => new ByteReader(tooLarge, "test").integer(), /too large/);
});

Deno.test("the result does not change when the writer goes on", () => {
  const writer = new ByteWriter();
  writer.byte(1);
  const first = writer.finish();
  writer.reset();
  writer.byte(2);
  assert.deepEqual(first, new Uint8Array([1]));
});
