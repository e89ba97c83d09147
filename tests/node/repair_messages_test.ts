import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  hintsAnswer,
  readHints,
  readRepair,
  readRepairRequest,
  repairAnswer,
  repairRequest,
} from "../../src/node/repair_messages.ts";

const PLAIN = { noNullPrototype: true } as const;
const count = fc.nat();
const node = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const partitions = fc.array(fc.nat({ max: 16_383 }), { maxLength: 20 });

Deno.test("what one node says of its hints, another reads", () => {
  const hints = fc.record({
    isComplete: fc.boolean(),
    limitBytes: count,
    keys: count,
    bytes: count,
    oldestAgeMs: fc.option(count, { nil: undefined }),
    owners: fc.array(fc.record({ node, keys: count, bytes: count }, PLAIN), { maxLength: 5 }),
    tooLongAway: fc.array(node, { maxLength: 5 }),
  }, PLAIN);
  fc.assert(fc.property(hints, (one) => {
    assert.deepEqual(readHints(hintsAnswer(one)), one);
  }));
});

Deno.test("a repair and what came of it are read as they were said, long explanations cut", () => {
  const peer = fc.record({
    node,
    error: fc.option(fc.string({ maxLength: 500 }), { nil: undefined }),
    partitions: fc.nat({ max: 16_384 }),
    differing: partitions,
    repaired: count,
  }, PLAIN);
  fc.assert(fc.property(fc.array(peer, { maxLength: 5 }), (peers) => {
    assert.deepEqual(readRepair(repairAnswer(peers)), peers);
  }));
  fc.assert(fc.property(fc.option(partitions, { nil: undefined }), (asked) => {
    assert.deepEqual(readRepairRequest(repairRequest(asked)), asked);
  }));
  const [long] = fc.sample(peer, { numRuns: 1, seed: 1 });
  const [read] = readRepair(repairAnswer([{ ...long!, error: "x".repeat(501) }]));
  assert.equal(read!.error, "x".repeat(500));
});

Deno.test("messages of repair that are not what they should be are malformed", () => {
  const bad: [(message: readonly unknown[]) => unknown, unknown[]][] = [
    [readHints, []],
    [readHints, [true, 1, 1, 1, null, [1]]],
    [readHints, [true, 1, 1, 1, null, [["n1", 1]]]],
    [readHints, [true, 1, 1, 1, -1, []]],
    [readHints, [true, 1, 1, 1, null, []]],
    [readHints, [true, 1, 1, 1, null, [], [7]]],
    [readRepairRequest, ["all"]],
    [readRepairRequest, [[16_384]]],
    [readRepair, [[["n1", null, 1, [0.5], 0]]]],
    [readRepair, [[[]]]],
  ];
  for (const [read, message] of bad) {
    assert.throws(() => read(message), MalformedError, JSON.stringify(message));
  }
});
