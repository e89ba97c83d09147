import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyReader } from "../../../src/doors/http/request_body.ts";
import type { HttpRequest, RequestBody } from "../../../src/doors/http/message.ts";
import { HttpProblem } from "../../../src/doors/http/problem.ts";
import { OverloadedError, TooLargeError } from "../../../src/wire/errors.ts";

const LIMITS = { timeoutMs: 10_000, memoryBytes: 100 };

/** A body that comes in these pieces, and what of it is counted. */
class FakeBody implements RequestBody {
  readonly sizeBytes: number | undefined;
  heldBytes = 0;
  readonly #pieces: Uint8Array[];
  readonly #memoryBytes: number;
  readonly #interrupted = Promise.withResolvers<never>();

  constructor(
    pieces: readonly Uint8Array[],
    { sizeBytes, memoryBytes = Infinity }: { sizeBytes?: number; memoryBytes?: number } = {},
  ) {
    this.#pieces = [...pieces];
    this.sizeBytes = sizeBytes;
    this.#memoryBytes = memoryBytes;
    this.#interrupted.promise.catch(() => {});
  }

  /** At the end of the pieces of a longer body it waits for ever. */
  next(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece === undefined && this.sizeBytes !== undefined) return this.#interrupted.promise;
    return Promise.resolve(piece);
  }

  interrupt(reason: Error): void {
    this.#interrupted.reject(reason);
  }

  hold(bytes: number): boolean {
    if (bytes > this.#memoryBytes) return false;
    this.heldBytes = bytes;
    return true;
  }
}

function requestWith(body: RequestBody): HttpRequest {
  return { method: "PUT", target: "/kv/k", headers: { get: () => null }, body };
}

Deno.test("read() joins the pieces of a body", async () => {
  const reader = new BodyReader(LIMITS);
  const body = new FakeBody([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  assert.deepEqual(await reader.read(requestWith(body), "Value", 10), Uint8Array.of(1, 2, 3));
});

Deno.test("read() returns any body up to the limit in a buffer of its own, and no larger one", async () => {
  const reader = new BodyReader(LIMITS);
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }).filter((piece) => piece.length > 0));
  await fc.assert(fc.asyncProperty(pieces, fc.nat({ max: 60 }), async (parts, limit) => {
    const whole = parts.flatMap((part) => [...part]);
    const read = reader.read(requestWith(new FakeBody(parts)), "Value", limit);
    if (whole.length > limit) await assert.rejects(read, TooLargeError);
    else {
      const bytes = await read;
      assert.deepEqual([...bytes], whole);
      assert.equal(bytes.buffer.byteLength, bytes.length);
    }
  }));
});

Deno.test("read() copies a piece that is a view into a larger buffer", async () => {
  const reader = new BodyReader(LIMITS);
  const view = Uint8Array.of(0, 1, 2, 3).subarray(1, 3);
  const bytes = await reader.read(requestWith(new FakeBody([view])), "Value", 10);
  assert.deepEqual(bytes, Uint8Array.of(1, 2));
  assert.equal(bytes.buffer.byteLength, 2);
});

Deno.test("read() counts what has come of a body, not what was announced", async () => {
  const reader = new BodyReader({ ...LIMITS, timeoutMs: 20 });
  const body = new FakeBody([new Uint8Array(10)], { sizeBytes: 500_000 });
  const reading = assert.rejects(reader.read(requestWith(body), "Value", 500_000), (error) => {
    assert.ok(error instanceof HttpProblem);
    assert.equal(error.code, "body_timeout");
    return true;
  });
  await reading;
  assert.ok(body.heldBytes > 0 && body.heldBytes <= 16 * 1024, `${body.heldBytes}`);
});

Deno.test("read() refuses a body for which there is no memory", async () => {
  const reader = new BodyReader(LIMITS);
  const body = new FakeBody([new Uint8Array(40_000), new Uint8Array(40_000)], {
    memoryBytes: 50_000,
  });
  await assert.rejects(reader.read(requestWith(body), "Value", 500_000), (error) => {
    assert.ok(error instanceof OverloadedError);
    assert.equal(error.outcome, "no");
    assert.equal(error.message, "Memory for clients is full: limit 100");
    return true;
  });
});
