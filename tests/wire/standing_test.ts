import assert from "node:assert/strict";
import { METHODS } from "../../src/wire/message_codec.ts";
import {
  GOSSIP_STANDING,
  type MethodName,
  methodName,
  STANDING,
  standingProblem,
} from "../../src/wire/standing.ts";

const NAMES = Object.keys(METHODS) as MethodName[];

Deno.test("every method has a row, and what may change something most of all", () => {
  assert.deepEqual(Object.keys(STANDING).sort(), NAMES.toSorted());
  assert.deepEqual(Object.keys(GOSSIP_STANDING), ["heartbeat"]);
  for (const name of NAMES) {
    assert.equal(methodName(METHODS[name]), name);
    const { changes, from } = STANDING[name];
    if (changes.includes("floors")) assert.equal(from, "owner", name);
  }
  assert.equal(methodName(999), undefined);
});

Deno.test("a peer may ask what its row says, a member all that its arguments do not rule out", () => {
  for (const name of NAMES) {
    const method = METHODS[name];
    const { from, isForUnplaced } = STANDING[name];
    assert.equal(standingProblem(method, "member"), undefined, name);
    assert.equal(
      standingProblem(method, "peer")?.code,
      from === "peer" ? undefined : "not_allowed",
    );
    const unplaced = standingProblem(method, "unplaced");
    assert.equal(unplaced?.code, isForUnplaced ? undefined : "not_ready");
    assert.ok(unplaced === undefined || unplaced.outcome === "no");
  }
});
