import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyReader } from "../../../src/doors/http/request_body.ts";
import { OverloadedError, TooLargeError } from "../../../src/wire/errors.ts";

const LIMITS = { timeoutMs: 10_000, totalBytes: 100 };

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

function requestWith(body: ReadableStream<Uint8Array>, headers: Record<string, string> = {}) {
  return new Request("http://localhost/", { method: "PUT", body, headers });
}

Deno.test("read() joins the pieces of a body", async () => {
  const reader = new BodyReader(LIMITS);
  const body = streamOf([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  assert.deepEqual(await reader.read(requestWith(body), "Value", 10), Uint8Array.of(1, 2, 3));
  assert.equal(reader.heldBytes, 0);
});

Deno.test("read() returns any body up to the limit in a buffer of its own, and no larger one", async () => {
  const reader = new BodyReader(LIMITS);
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }).filter((piece) => piece.length > 0));
  await fc.assert(fc.asyncProperty(pieces, fc.nat({ max: 60 }), async (parts, limit) => {
    const whole = parts.flatMap((part) => [...part]);
    const read = reader.read(requestWith(streamOf(parts)), "Value", limit);
    if (whole.length > limit) await assert.rejects(read, TooLargeError);
    else {
      const bytes = await read;
      assert.deepEqual([...bytes], whole);
      assert.equal(bytes.buffer.byteLength, bytes.length);
    }
    assert.equal(reader.heldBytes, 0);
  }));
});

Deno.test("read() copies a piece that is a view into a larger buffer", async () => {
  const reader = new BodyReader(LIMITS);
  const view = Uint8Array.of(0, 1, 2, 3).subarray(1, 3);
  const bytes = await reader.read(requestWith(streamOf([view])), "Value", 10);
  assert.deepEqual(bytes, Uint8Array.of(1, 2));
  assert.equal(bytes.buffer.byteLength, 2);
});

Deno.test("read() refuses a body when all bodies together would hold too much", async () => {
  const reader = new BodyReader(LIMITS);
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await promise;
      controller.close();
    },
  });
  const first = reader.read(requestWith(slow, { "content-length": "60" }), "Value", 80);
  assert.equal(reader.heldBytes, 60);
  const second = reader.read(requestWith(streamOf([Uint8Array.of(1)])), "Value", 80);
  await assert.rejects(second, OverloadedError);
  resolve();
  await first;
  assert.equal(reader.heldBytes, 0);
  const third = reader.read(requestWith(streamOf([Uint8Array.of(1)])), "Value", 80);
  assert.deepEqual(await third, Uint8Array.of(1));
});
