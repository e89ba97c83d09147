import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Evidence,
  type MemberState,
  type Reach,
  reasonFor,
  UNKNOWN_REACH,
  verdict,
} from "../../src/membership/evidence.ts";

const calm: Evidence = {
  phi: 0.3,
  heartbeats: 5,
  isConnectionLost: false,
  hasSpoken: false,
  reach: UNKNOWN_REACH,
  isSelfDoubted: false,
};
const alone: Reach = { kind: "nobody", witnesses: [] };
const witnessed: Reach = { kind: "nobody", witnesses: ["n3", "n4"] };
const others: Reach = { kind: "others", through: "n4" };
const states = fc.constantFrom<MemberState>("up", "suspect", "down");
const evidences: fc.Arbitrary<Evidence> = fc.record({
  phi: fc.double({ min: 0, max: 20, noNaN: true }),
  heartbeats: fc.nat({ max: 4 }),
  isConnectionLost: fc.boolean(),
  hasSpoken: fc.boolean(),
  reach: fc.constantFrom(UNKNOWN_REACH, others, alone, witnessed),
  isSelfDoubted: fc.boolean(),
});

Deno.test("verdict() takes two sources for down: late heartbeats, and that nobody reaches the member", () => {
  assert.equal(verdict("up", calm), "up");
  assert.equal(verdict("up", { ...calm, phi: 4 }), "suspect");
  assert.equal(verdict("suspect", { ...calm, phi: 4, reach: alone }), "down");
  assert.equal(verdict("suspect", { ...calm, phi: 4, reach: witnessed }), "down");
});

Deno.test("verdict() never calls a member down by one source alone", () => {
  const living = fc.constantFrom<MemberState>("up", "suspect");
  fc.assert(fc.property(living, evidences, (before, evidence) => {
    assert.notEqual(verdict(before, { ...evidence, phi: evidence.phi % 3 }), "down");
    for (const reach of [UNKNOWN_REACH, others]) {
      assert.notEqual(verdict(before, { ...evidence, reach }), "down");
    }
  }));
});

Deno.test("verdict() never calls a member down that has just spoken to us", () => {
  fc.assert(fc.property(states, evidences, (before, evidence) => {
    assert.notEqual(verdict(before, { ...evidence, hasSpoken: true }), "down");
  }));
});

Deno.test("verdict() makes suspect whom others reach and we do not, whatever its heartbeats do", () => {
  for (const phi of [0, 2, 4, 20]) {
    assert.equal(verdict("up", { ...calm, phi, reach: others }), "suspect");
  }
});

Deno.test("verdict() condemns nobody on our word alone while we doubt ourselves", () => {
  const silent = { ...calm, phi: 12, isSelfDoubted: true };
  assert.equal(verdict("suspect", { ...silent, reach: alone }), "suspect");
  assert.equal(verdict("suspect", { ...silent, reach: witnessed }), "down");
});

Deno.test("verdict() lets a member that is down return with its second heartbeat, or when it answers", () => {
  assert.equal(verdict("down", { ...calm, heartbeats: 1 }), "down");
  assert.equal(verdict("down", { ...calm, heartbeats: 2 }), "up");
  assert.equal(verdict("down", { ...calm, phi: 9, hasSpoken: true }), "suspect");
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

Deno.test("reasonFor() says of every source what speaks for a verdict", () => {
  const lost = { ...calm, isConnectionLost: true };
  const stopped = { ...lost, phi: 9 };
  const doubted = { ...stopped, isSelfDoubted: true };
  const cases: [MemberState, Evidence, string][] = [
    ["up", calm, "its heartbeats arrive"],
    ["up", { ...calm, phi: 2 }, "its heartbeats are a little late"],
    ["up", lost, "its heartbeats arrive, its connection is lost"],
    [
      "suspect",
      { ...lost, reach: others },
      "its heartbeats arrive, its connection is lost, n4 reaches it, we do not",
    ],
    ["suspect", { ...calm, phi: 4 }, "its heartbeats are late, it is being asked"],
    ["suspect", { ...stopped, hasSpoken: true }, "its heartbeats have stopped, it answers"],
    [
      "suspect",
      { ...stopped, reach: others },
      "its heartbeats have stopped, its connection is lost, n4 reaches it, we do not",
    ],
    [
      "suspect",
      { ...doubted, reach: alone },
      "its heartbeats have stopped, its connection is lost, it does not answer us, and nobody else " +
      "could tell, this node may be cut off itself",
    ],
    [
      "down",
      { ...doubted, reach: witnessed },
      "its heartbeats have stopped, its connection is lost, neither we nor n3, n4 reach it",
    ],
    [
      "down",
      { ...calm, phi: 4, reach: alone },
      "its heartbeats are late, it does not answer us, and nobody else could tell",
    ],
    ["down", { ...calm, heartbeats: 1 }, "1 of 2 heartbeats since it was down"],
  ];
  for (const [state, evidence, reason] of cases) {
    assert.equal(verdict(state, evidence), state, reason);
    assert.equal(reasonFor(state, evidence), reason);
  }
});
