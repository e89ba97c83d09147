import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  choose,
  decodeGreetingFrame,
  encodeAccept,
  encodeHello,
  encodeRefusal,
  type Hello,
} from "../../src/host/greeting.ts";
import type { Refusal } from "../../src/ports/network.ts";

const hello: Hello = {
  kind: "hello",
  cluster: "shop",
  instance: "one",
  startedMs: 1_700_000_000_000,
  number: 3,
  holds: 0,
  greeting: Uint8Array.of(1, 2),
};

const noRoom: Refusal = {
  code: "no_room",
  message: "No room",
  details: { limit: 4096, node: "n1", upTo: Number.MAX_SAFE_INTEGER },
};

Deno.test("what was encoded is decoded", () => {
  assert.deepEqual(decodeGreetingFrame(encodeHello(hello)), hello);
  assert.deepEqual(decodeGreetingFrame(encodeAccept()), { kind: "accept" });
  const plain = { kind: "refusal", refusal: noRoom, hello: undefined };
  assert.deepEqual(decodeGreetingFrame(encodeRefusal(noRoom)), plain);
  assert.deepEqual(decodeGreetingFrame(encodeRefusal(noRoom, hello)), { ...plain, hello });
});

Deno.test("bytes that nobody wrote are malformed and nothing worse", () => {
  const frames = [encodeHello(hello), encodeAccept(), encodeRefusal(noRoom, hello)];
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.nat(60), fc.nat(255), (frame, at, byte) => {
      const changed = frame.slice();
      changed[at % frame.length] = byte;
      try {
        decodeGreetingFrame(changed);
      } catch (error) {
        assert.ok(error instanceof MalformedError, String(error));
      }
    }),
  );
  for (const frame of frames) {
    for (let end = 0; end < frame.length; end++) {
      // A refusal is whole without the hello behind it.
      if (end === encodeRefusal(noRoom).length) continue;
      assert.throws(() => decodeGreetingFrame(frame.subarray(0, end)), MalformedError);
    }
  }
});

Deno.test("long texts of a refusal are shortened, whoever has written them", () => {
  const long = "x".repeat(10_000);
  const frame = decodeGreetingFrame(encodeRefusal({ ...noRoom, message: long, details: { long } }));
  assert.ok(frame.kind === "refusal");
  assert.ok(frame.refusal.message.length < 600);
  assert.ok(String(frame.refusal.details.long).length < 400);
});

Deno.test("a refusal of version 1 is a refusal for a reason that no program knows", () => {
  const reason = "This node was left behind at 9007199254740991";
  const frame = Uint8Array.of(3, reason.length, ...utf8(reason));
  const refusal = { code: "unknown", message: reason, details: {} };
  assert.deepEqual(decodeGreetingFrame(frame), { kind: "refusal", refusal, hello: undefined });
});

Deno.test("what a later version appends to a refusal is passed over, too many details are not", () => {
  const encoded = encodeRefusal(noRoom);
  const longer = decodeGreetingFrame(Uint8Array.of(...encoded, 77, 1, 2));
  assert.deepEqual(longer, { kind: "refusal", refusal: noRoom, hello: undefined });
  const withDetails = (count: number) => {
    const details = Array.from({ length: count }, (_, i) => [1, 97 + i, 0, 1]).flat();
    return decodeGreetingFrame(Uint8Array.of(4, 1, 97, 0, count, ...details));
  };
  const eight = withDetails(8);
  assert.ok(eight.kind === "refusal" && Object.keys(eight.refusal.details).length === 8);
  assert.throws(() => withDetails(9), /9 details/);
  for (const code of ["", "Name in use", "x".repeat(41)]) {
    const named = Uint8Array.of(4, code.length, ...utf8(code), 0, 0);
    assert.throws(() => decodeGreetingFrame(named), MalformedError);
  }
});

Deno.test("choose() replaces a connection only if its peer does not have it any longer", () => {
  assert.equal(choose(undefined, hello), "use");
  assert.equal(choose(hello, { ...hello, instance: "two", number: 1 }), "replace");
  assert.equal(choose(hello, { ...hello, number: 4, holds: 3 }), "drop");
  assert.equal(choose(hello, { ...hello, number: 4, holds: 0 }), "replace");
  assert.equal(choose(hello, { ...hello, number: 2, holds: 0 }), "drop", "it came late");
});
