import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { FrameReader, FrameWriter, plainBytes } from "../../src/host/frames.ts";

Deno.test("what a writer has collected a reader finds again", () => {
  const writer = new FrameWriter();
  writer.add(utf8("one"));
  writer.add(utf8("two"));
  assert.equal(writer.pendingBytes, 14);
  const piece = writer.take()!;
  assert.equal(piece.length, 14);
  assert.deepEqual([writer.take(), writer.pendingBytes], [undefined, 0]);
  assert.deepEqual(framesOf([piece]), [utf8("one"), utf8("two")]);
});

Deno.test("frames arrive the same however the stream was cut", () => {
  const lengths = fc.array(fc.oneof(fc.nat(10), fc.nat(3000), fc.constant(70_000)), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(20_000)), (sizes, cuts) => {
      const frames = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
      const writer = new FrameWriter();
      for (const frame of frames) writer.add(frame);
      const whole = concatBytes(allOf(writer));
      const chunks: Uint8Array[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(whole.subarray(at, at + cut));
        at += cut;
      }
      chunks.push(whole.subarray(at));
      assert.deepEqual(framesOf(chunks), frames);
    }),
    { numRuns: 100 },
  );
});

Deno.test("memory that was taken is never written again", () => {
  const writer = new FrameWriter();
  const taken: Uint8Array[] = [];
  const copies: Uint8Array[] = [];
  for (let i = 0; i < 2000; i++) {
    writer.add(new Uint8Array(i % 97).fill(i));
    if (i % 3 > 0) continue;
    const piece = writer.take()!;
    taken.push(piece);
    copies.push(piece.slice());
  }
  assert.deepEqual(taken, copies);
});

Deno.test("a length over the limit is malformed, one at the limit is not", () => {
  const reader = new FrameReader(100, () => true);
  reader.read(framed(new Uint8Array(100)));
  assert.throws(() => reader.read(framed(new Uint8Array(101))), MalformedError);
  assert.throws(
    () => new FrameReader(100, () => true).read(Uint8Array.of(255, 255, 255, 255)),
    /4294967295 bytes, limit 100/,
  );
});

Deno.test("a receiver that has enough gets no further frame", () => {
  for (const cut of [3, 7, 100]) {
    let count = 0;
    const reader = new FrameReader(100, () => ++count < 2);
    const bytes = concatBytes([1, 2, 3, 4].map((i) => framed(new Uint8Array(i))));
    reader.read(bytes.subarray(0, cut));
    if (count < 2) reader.read(bytes.subarray(cut));
    assert.equal(count, 2);
  }
});

Deno.test("plainBytes() turns a Buffer into what slice() copies", async () => {
  const { Buffer } = await import("node:buffer");
  const buffer = Buffer.from([1, 2, 3]).subarray(1);
  const plain = plainBytes(buffer);
  assert.equal(plain.constructor, Uint8Array);
  assert.deepEqual(plain, Uint8Array.of(2, 3));
  assert.notEqual(plain.slice().buffer, buffer.buffer);
});

function framed(frame: Uint8Array): Uint8Array {
  const writer = new FrameWriter();
  writer.add(frame);
  return writer.take()!;
}

function allOf(writer: FrameWriter): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let piece = writer.take(); piece !== undefined; piece = writer.take()) pieces.push(piece);
  return pieces;
}

function framesOf(chunks: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const reader = new FrameReader(1_000_000, (frame) => {
    frames.push(frame.slice());
    return true;
  });
  for (const chunk of chunks) reader.read(chunk);
  return frames;
}
