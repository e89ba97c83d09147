import assert from "node:assert/strict";
import { Readiness, sightOf } from "../../src/node/readiness.ts";
import { ManualTime } from "../membership/manual_clock.ts";
import { layoutOf } from "./layout_world.ts";

const LAYOUT = layoutOf(["n1", "n2", "n3"]);

function starting() {
  const time = new ManualTime();
  time.run(1_000);
  const connected = new Set<string>();
  const seals = { areThere: true };
  const isConnected = (node: string) => connected.has(node);
  const readiness = new Readiness("n1", time.clock(), isConnected, () => seals.areThere);
  return { time, connected, readiness, seals };
}

Deno.test("a node is ready once it sees the other members, and while it sees a majority", () => {
  const { connected, readiness } = starting();
  assert.equal(readiness.problem(LAYOUT), "The node is starting and does not see n2, n3");
  connected.add("n2");
  assert.equal(readiness.problem(LAYOUT), "The node is starting and does not see n3");
  connected.add("n3");
  assert.equal(readiness.problem(LAYOUT), undefined);
  connected.delete("n2");
  assert.equal(readiness.problem(LAYOUT), undefined, "two of three are a majority");
  connected.clear();
  assert.equal(
    readiness.problem(LAYOUT),
    "The node sees 1 of 3 members, which is no majority: it cannot reach n2, n3",
  );
  connected.add("n3");
  assert.equal(readiness.problem(LAYOUT), undefined);
});

Deno.test("a node waits for a key to seal contexts with, for some seconds only", () => {
  const { time, connected, readiness, seals } = starting();
  seals.areThere = false;
  connected.add("n2").add("n3");
  assert.match(readiness.problem(LAYOUT)!, /has no key to seal contexts with/);
  seals.areThere = true;
  assert.equal(readiness.problem(LAYOUT), undefined);
  const other = starting();
  other.seals.areThere = false;
  other.connected.add("n2");
  other.time.run(6_000);
  assert.equal(other.readiness.problem(LAYOUT), undefined);
  assert.ok(time.clock().monotonic() < 6_000);
});

Deno.test("a node waits for all its peers for some seconds only, and then for a majority", () => {
  const { connected, time, readiness } = starting();
  connected.add("n2");
  time.run(5_999);
  assert.match(readiness.problem(LAYOUT)!, /is starting and does not see n3$/);
  time.run(6_000);
  assert.equal(readiness.problem(LAYOUT), undefined);
  connected.clear();
  time.run(600_000);
  assert.match(readiness.problem(LAYOUT)!, /no majority/);
});

Deno.test("a majority is of all members, whether or not the node is one of them", () => {
  const seen = (names: string[], self: string, ...others: string[]) =>
    sightOf(layoutOf(names), self, (node) => others.includes(node)).isMajority;
  assert.ok(!seen(["n1", "n2"], "n1"), "half is none");
  assert.ok(seen(["n1", "n2"], "n1", "n2"));
  assert.ok(!seen(["n1", "n2", "n3", "n4"], "n1", "n2"));
  assert.ok(seen(["n1", "n2", "n3"], "x", "n1", "n2"), "a sixth node does not count itself");
  assert.ok(!seen(["n1", "n2", "n3"], "x", "n1"));
});

Deno.test("a node without a layout says how one is made, however long that takes", () => {
  const { time, connected, readiness } = starting();
  assert.match(readiness.problem(undefined)!, /denamo layout init/);
  time.run(60_000);
  assert.match(readiness.problem(undefined)!, /denamo layout init/);
  connected.add("n2").add("n3");
  assert.equal(readiness.problem(LAYOUT), undefined);
});

Deno.test("a node that is its cluster waits for nobody", () => {
  assert.equal(starting().readiness.problem(layoutOf(["n1"])), undefined);
});
