import assert from "node:assert/strict";
import { Refusals } from "../../src/node/refusals.ts";
import type { Refusal } from "../../src/ports/network.ts";
import { ManualTime } from "../membership/manual_clock.ts";

/** The refusals of n2, which was told to join somebody, and the layout that it belongs to. */
function refusalsOf(members?: readonly string[], hasJoined = true) {
  const time = new ManualTime();
  const refusals = new Refusals({
    clock: time.clock(),
    self: "peer-2",
    node: "n2",
    hasJoined,
    layoutMembers: () => members && new Set(members),
  });
  const refusal = (code: string): Refusal => ({ code, message: `It is ${code}`, details: {} });
  const say = (
    name: string | undefined,
    code: string,
    { peer = `peer of ${name}`, isDialled = true } = {},
  ) => refusals.add({ peer, name, isDialled }, refusal(code));
  /** Everybody says it now, and again after some seconds. Returns why the node gives up, if it does. */
  const all = (names: readonly string[], code: string, peer?: string) => {
    const options = peer === undefined ? {} : { peer };
    for (const name of names) assert.equal(say(name, code, options), undefined, "once is nothing");
    time.run(time.nowMs + 5_000);
    return names.map((name) => say(name, code, options)).find((reason) => reason !== undefined);
  };
  return { time, refusals, say, all };
}

Deno.test("a node of no layout gives up if those whom it calls refuse it for ten seconds", () => {
  const { say, time } = refusalsOf();
  assert.equal(say("n1", "other_settings"), undefined);
  time.run(9_999);
  assert.equal(say("n1", "other_settings"), undefined);
  time.run(10_000);
  assert.match(say("n1", "other_settings")!, /^Refused by n1: It is other_settings/);
  const named = refusalsOf();
  named.say("n1", "name_in_use");
  named.time.run(10_000);
  assert.match(named.say("n1", "name_in_use")!, /It is name_in_use\. .* another --name$/);
  const seed = refusalsOf(undefined, false);
  seed.say("n1", "other_settings");
  seed.time.run(60_000);
  assert.equal(seed.say("n1", "other_settings"), undefined, "it was told to join nobody");
});

Deno.test("what those say who call us has no effect, however often they do", () => {
  for (const members of [undefined, ["n1", "n2"]]) {
    const { say, time, refusals } = refusalsOf(members);
    for (let atMs = 0; atMs < 60_000; atMs += 1_000) {
      time.run(atMs);
      for (const code of ["identity_in_use", "other_settings", "name_in_use"]) {
        assert.equal(say("n1", code, { isDialled: false }), undefined);
      }
    }
    assert.equal(refusals.problem, undefined);
  }
});

Deno.test("a member of a layout gives up only if most of the others say the same, twice", () => {
  const { all, say, time } = refusalsOf(["n1", "n2", "n3", "n4", "n5"]);
  assert.equal(all(["n1", "n3"], "identity_in_use"), undefined, "two of four are not most");
  assert.equal(all(["x1", "x2", "x3"], "identity_in_use"), undefined, "strangers do not count");
  time.run(time.nowMs + 60_000);
  assert.equal(all(["n4", "n5"], "identity_in_use"), undefined, "the others have said it long ago");
  const reason = all(["n1", "n3"], "identity_in_use");
  assert.match(reason!, /^Refused by n1, n3, n4, n5|^Refused by n1, n4, n5/);
  assert.equal(say("n3", "other_settings"), undefined, "that is another matter");
});

Deno.test("a member of a layout never gives up for its name or layout, and says why it waits", () => {
  const { all, refusals, time } = refusalsOf(["n1", "n2", "n3"]);
  for (const code of ["other_layout", "name_in_use"]) {
    for (let i = 0; i < 10; i++) assert.equal(all(["n1", "n3"], code), undefined);
  }
  assert.equal(refusals.problem, "It is name_in_use");
  refusals.admittedBy("peer of n1");
  assert.equal(refusals.problem, undefined);
  refusals.endedBy("peer of n1");
  time.run(time.nowMs + 60_000);
  assert.equal(refusals.problem, undefined, "nobody has said so for a while");
});

Deno.test("a node that has met another process with its own identity gives up at the second time", () => {
  for (const members of [undefined, ["n1", "n2", "n3"]]) {
    const { say, time } = refusalsOf(members);
    const itself = { peer: "peer-2" };
    assert.equal(say(undefined, "identity_in_use", itself), undefined);
    time.run(1_000);
    assert.equal(say(undefined, "identity_in_use", itself), undefined);
    time.run(5_000);
    assert.equal(say(undefined, "identity_in_use", itself), "It is identity_in_use");
  }
});

Deno.test("a node of no layout that was let in gives up for its identity only, once it is let in nowhere", () => {
  const { say, time, refusals } = refusalsOf();
  refusals.admittedBy("peer of n1");
  const tenSeconds = (code: string) => {
    say("n1", code);
    time.run(time.nowMs + 10_000);
    return say("n1", code);
  };
  assert.equal(tenSeconds("identity_in_use"), undefined, "n1 has it");
  refusals.endedBy("peer of n1");
  assert.equal(tenSeconds("other_settings"), undefined);
  assert.match(tenSeconds("identity_in_use")!, /Refused by n1/);
});
