import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Evidence,
  type MemberState,
  reasonFor,
  verdict,
} from "../../src/membership/evidence.ts";

const calm: Evidence = { phi: 0.3, heartbeats: 5, isConnectionLost: false, hasSpoken: false };
const states = fc.constantFrom<MemberState>("up", "suspect", "down");
const evidences: fc.Arbitrary<Evidence> = fc.record({
  phi: fc.double({ min: 0, max: 20, noNaN: true }),
  heartbeats: fc.nat({ max: 4 }),
  isConnectionLost: fc.boolean(),
  hasSpoken: fc.boolean(),
});

Deno.test("verdict() goes from up over suspect to down as heartbeats stay away", () => {
  assert.equal(verdict("up", calm), "up");
  assert.equal(verdict("up", { ...calm, phi: 4 }), "suspect");
  assert.equal(verdict("suspect", { ...calm, phi: 8 }), "down");
});

Deno.test("verdict() takes a lost connection as the second witness of silence, not as the only one", () => {
  assert.equal(verdict("up", { ...calm, isConnectionLost: true }), "up");
  assert.equal(verdict("up", { ...calm, phi: 3, isConnectionLost: true }), "down");
});

Deno.test("verdict() lets a member that is down return with its second heartbeat", () => {
  assert.equal(verdict("down", { ...calm, heartbeats: 1 }), "down");
  assert.equal(verdict("down", { ...calm, heartbeats: 2 }), "up");
});

Deno.test("verdict() never calls a member down that has just spoken to us", () => {
  const living = fc.constantFrom<MemberState>("up", "suspect");
  fc.assert(fc.property(living, evidences, (before, evidence) => {
    assert.notEqual(verdict(before, { ...evidence, hasSpoken: true }), "down");
  }));
});

Deno.test("verdict() does not turn round upon the same evidence", () => {
  fc.assert(fc.property(states, evidences, (before, evidence) => {
    const after = verdict(before, evidence);
    assert.equal(verdict(after, evidence), after);
  }));
});

Deno.test("verdict() never improves when phi rises", () => {
  const rank = { up: 0, suspect: 1, down: 2 };
  const rises = fc.double({ min: 0, max: 10, noNaN: true });
  fc.assert(fc.property(states, evidences, rises, (before, evidence, rise) => {
    const worse = { ...evidence, phi: evidence.phi + rise };
    assert.ok(rank[verdict(before, worse)] >= rank[verdict(before, evidence)]);
  }));
});

Deno.test("verdict() keeps a state between the levels", () => {
  assert.equal(verdict("up", { ...calm, phi: 2 }), "up");
  assert.equal(verdict("suspect", { ...calm, phi: 2 }), "suspect");
  assert.equal(verdict("down", { ...calm, phi: 2 }), "down");
});

Deno.test("reasonFor() says of the heartbeats and of the path what speaks for a verdict", () => {
  const lost = { ...calm, isConnectionLost: true };
  const cases: [MemberState, Evidence, string][] = [
    ["up", calm, "its heartbeats arrive"],
    ["up", { ...calm, phi: 2 }, "its heartbeats are a little late"],
    ["up", lost, "its heartbeats arrive, its connection is lost"],
    ["suspect", { ...calm, phi: 4 }, "its heartbeats are late"],
    [
      "suspect",
      { ...lost, phi: 9, hasSpoken: true },
      "its heartbeats have stopped, it answers",
    ],
    ["down", { ...lost, phi: 4 }, "its heartbeats are late, its connection is lost"],
    ["down", { ...calm, phi: 9 }, "its heartbeats have stopped"],
    ["down", { ...calm, heartbeats: 1 }, "1 of 2 heartbeats since it was down"],
  ];
  for (const [state, evidence, reason] of cases) {
    assert.equal(verdict(state, evidence), state, reason);
    assert.equal(reasonFor(state, evidence), reason);
  }
});
