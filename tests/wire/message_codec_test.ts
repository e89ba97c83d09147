import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { DenamoError, QuorumError } from "../../src/wire/errors.ts";
import { LIMITS } from "../../src/wire/limits.ts";
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

Deno.test("nested lists that claim to be large are refused before they take memory", () => {
  const claims: Record<string, number[]> = {
    "lists of 65,535, one in another": [0xdc, 0xff, 0xff],
    "lists of four thousand million": [0xdd, 0xff, 0xff, 0xff, 0xff],
    "maps of 255": [0xde, 0x00, 0xff, 0xa0],
    "lists of one": [0x91],
  };
  for (const [name, claim] of Object.entries(claims)) {
    const bytes = Uint8Array.from({ length: 60_000 }, (_, i) => claim[i % claim.length]!);
    const heapBefore = Deno.memoryUsage().heapUsed;
    assert.throws(() => decodeMessage(bytes), MalformedError, name);
    // One such list of each level would be half a megabyte, and there are twenty thousand of them.
    assert.ok(Deno.memoryUsage().heapUsed - heapBefore < 64 * 1024 * 1024, name);
  }
});

Deno.test("the largest answer that a node gives is within the bounds of a message", () => {
  const owners = Array.from({ length: 15 }, (_, i) => {
    const differing = Array.from({ length: LIMITS.partitionCount }, (_, partition) => partition);
    return [`n${i}`, null, LIMITS.partitionCount, differing, 5];
  });
  const message = decodeMessage(encodeAnswer(1, [owners]).slice());
  assert.ok(message.kind === "answer" && (message.result[0] as unknown[]).length === 15);
});

Deno.test("a failure is cut to what may travel, by whoever sends it and by whoever receives it", () => {
  const causes = Array.from({ length: 1_000 }, () => "x".repeat(10_000));
  const details = {
    causes,
    cause: new Error("x"),
    inner: { a: 1 },
    layout: new Uint8Array(3),
    n: 1,
  };
  const error = new DenamoError("timeout", "no", "m".repeat(1_000_000), details);
  const bytes = encodeFailure(1, error).slice();
  assert.ok(bytes.length < 200_000, `${bytes.length} bytes`);
  const message = decodeMessage(bytes);
  assert.ok(message.kind === "failure");
  assert.equal(message.error.message.length, LIMITS.failureCharacters);
  assert.deepEqual(Object.keys(message.error.details), ["causes", "layout", "n"]);
  assert.equal((message.error.details["causes"] as string[]).length, LIMITS.failureDetailCount);
  const foreign = encodeAnswer(1, ["timeout", "no", "m".repeat(100_000), {}]).slice();
  foreign[1] = 2;
  const cut = decodeMessage(foreign);
  assert.ok(cut.kind === "failure" && cut.error.message.length === LIMITS.failureCharacters);
});

Deno.test("half a pair of surrogates in an error does not make its message malformed", () => {
  const error = new DenamoError("bad_request", "no", 'No key "\ud800"');
  const message = decodeMessage(encodeFailure(1, error).slice());
  assert.ok(message.kind === "failure" && message.error.message.isWellFormed());
});

Deno.test("a time that nobody would wait is no timeout", () => {
  for (const timeoutMs of [LIMITS.messageTimeoutMs + 1, Number.MAX_SAFE_INTEGER]) {
    assert.throws(
      () => decodeMessage(encodeRequest(1, METHODS.read, timeoutMs, []).slice()),
      MalformedError,
    );
  }
  const longest = encodeRequest(1, METHODS.repair, LIMITS.messageTimeoutMs, []).slice();
  assert.equal(decodeMessage(longest).kind, "request");
});

Deno.test("no name in a failure reaches the prototype of anything", () => {
  // [2, 1, "timeout", "no", "", {"__proto__": {}}]
  const bytes = encodeAnswer(1, ["timeout", "no", "", { __proto_: {} }]).slice();
  bytes[1] = 2;
  const at = bytes.length - 1 - "__proto_".length - 1;
  const named = Uint8Array.from([
    ...bytes.subarray(0, at),
    0xa9,
    ...new TextEncoder().encode("__proto__"),
    0x80,
  ]);
  assert.throws(() => decodeMessage(named), MalformedError);
});
