import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { answersNeeded, Quorum } from "../../src/coordinator/quorum.ts";
import { DenamoError, OverloadedError, TimeoutError } from "../../src/wire/errors.ts";

Deno.test("a quorum is reached by the answers it needs and tells who failed it", () => {
  const quorum = new Quorum("write", utf8("cart:alice"), 2, 3);
  quorum.succeed();
  assert.ok(!quorum.isReached && !quorum.isLost);
  quorum.fail("n2", new TimeoutError("The request", "unknown", 500));
  quorum.fail("n3", new OverloadedError("The request queue", 9));
  assert.ok(quorum.isLost);
  const error = quorum.error("unknown");
  assert.equal(
    error.message,
    'Cannot reach write quorum for "cart:alice": 1 of 2 needed from 3 asked, ' +
      "n2 the request took longer than 500 ms, n3 refused: the request queue is full: limit 9",
  );
  assert.equal(error.outcome, "unknown");
  quorum.fail("n1", new TimeoutError("The request", "unknown", 500));
  assert.equal(error.causes.length, 2, "what comes later changes no error that was told");
});

Deno.test("levels mean one, more than half, all, or so many", () => {
  assert.deepEqual([1, 2, 3, 4, 5].map((n) => answersNeeded("quorum", n, "r")), [1, 2, 2, 3, 3]);
  assert.equal(answersNeeded("one", 3, "r"), 1);
  assert.equal(answersNeeded("all", 3, "r"), 3);
  assert.equal(answersNeeded(2, 3, "w"), 2);
});

Deno.test("a number that the owners can never reach is a mistake of the caller", () => {
  for (const level of [0, 4, -1, 1.5, NaN]) {
    assert.throws(
      () => answersNeeded(level, 3, "w"),
      (error) =>
        error instanceof DenamoError && error.code === "bad_request" && error.outcome === "no",
    );
  }
});

Deno.test("exactly one of reached and lost becomes true once all owners have spoken", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), fc.nat(6), (owners, n) => {
      const needed = 1 + n % owners.length;
      const quorum = new Quorum("read", utf8("k"), needed, owners.length);
      for (const isGood of owners) {
        assert.ok(!(quorum.isReached && quorum.isLost));
        if (isGood) quorum.succeed();
        else quorum.fail("n", new Error("x"));
      }
      assert.equal(quorum.isReached, owners.filter(Boolean).length >= needed);
      assert.equal(quorum.isLost, !quorum.isReached);
    }),
  );
});
