import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  choose,
  decodeGreetingFrame,
  encodeAccept,
  encodeHello,
  encodeRefusal,
  type Hello,
} from "../../src/host/greeting.ts";

const hello: Hello = {
  kind: "hello",
  cluster: "shop",
  instance: "one",
  number: 3,
  holds: 0,
  greeting: Uint8Array.of(1, 2),
};

Deno.test("what was encoded is decoded", () => {
  assert.deepEqual(decodeGreetingFrame(encodeHello(hello)), hello);
  assert.deepEqual(decodeGreetingFrame(encodeAccept()), { kind: "accept" });
  assert.deepEqual(decodeGreetingFrame(encodeRefusal("No room")), {
    kind: "refusal",
    reason: "No room",
  });
});

Deno.test("bytes that nobody wrote are malformed and nothing worse", () => {
  const frames = [encodeHello(hello), encodeAccept(), encodeRefusal("No room")];
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
      assert.throws(() => decodeGreetingFrame(frame.subarray(0, end)), MalformedError);
    }
  }
});

Deno.test("a long reason is shortened", () => {
  const frame = decodeGreetingFrame(encodeRefusal("x".repeat(10_000)));
  assert.ok(frame.kind === "refusal" && frame.reason.length < 600);
});

Deno.test("choose() replaces a connection only if its peer does not have it any longer", () => {
  assert.equal(choose(undefined, hello), "use");
  assert.equal(choose(hello, { ...hello, instance: "two", number: 1 }), "replace");
  assert.equal(choose(hello, { ...hello, number: 4, holds: 3 }), "drop");
  assert.equal(choose(hello, { ...hello, number: 4, holds: 0 }), "replace");
  assert.equal(choose(hello, { ...hello, number: 2, holds: 0 }), "drop", "it came late");
});
