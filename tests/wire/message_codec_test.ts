import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { DenamoError, QuorumError } from "../../src/wire/errors.ts";
import {
  decodeMessage,
  encodeAnswer,
  encodeFailure,
  encodeRequest,
  METHODS,
} from "../../src/wire/message_codec.ts";

Deno.test("a request comes out as it went in", () => {
  const bytes = encodeRequest(7, METHODS.store, 1000, ["1-abc", 5, new Uint8Array([1, 2])]).slice();
  assert.deepEqual(decodeMessage(bytes), {
    kind: "request",
    id: 7,
    method: METHODS.store,
    timeoutMs: 1000,
    arguments: ["1-abc", 5, new Uint8Array([1, 2])],
  });
});

Deno.test("an answer comes out as it went in", () => {
  const bytes = encodeAnswer(8, [null, new Uint8Array([3])]).slice();
  assert.deepEqual(decodeMessage(bytes), {
    kind: "answer",
    id: 8,
    result: [null, new Uint8Array([3])],
  });
});

Deno.test("a failure keeps its code, outcome and numbers", () => {
  const numbers = { needed: 2, got: 1, asked: 3, causes: ["n2 timed out"] };
  const error = new QuorumError('write quorum for "k"', "unknown", numbers);
  const message = decodeMessage(encodeFailure(9, error).slice());
  assert.ok(message.kind === "failure" && message.error instanceof DenamoError);
  assert.equal(message.error.code, "quorum");
  assert.equal(message.error.outcome, "unknown");
  assert.equal(message.error.message, error.message);
  assert.deepEqual(message.error.details, numbers);
});

Deno.test("any bytes are a message or a malformed one", () => {
  const request = encodeRequest(7, METHODS.read, 1000, ["1-abc", 5, new Uint8Array(9)]).slice();
  const torn = fc.tuple(fc.nat(request.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = request.slice();
    bytes[at] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), torn), (bytes) => {
      try {
        decodeMessage(bytes);
      } catch (error) {
        assert.ok(error instanceof MalformedError, String(error));
      }
    }),
    { numRuns: 5000 },
  );
});

Deno.test("a decoder that met garbage reads the next message", () => {
  assert.throws(
    () => decodeMessage(new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])),
    MalformedError,
  );
  assert.equal(decodeMessage(encodeAnswer(1, []).slice()).id, 1);
});
