import assert from "node:assert/strict";
import { OtherLayouts } from "../../src/node/other_layouts.ts";
import type { Layout } from "../../src/ring/layout.ts";
import { heartbeatOf, ManualTime } from "../membership/manual_clock.ts";
import { layoutOf } from "./layout_world.ts";
import { NodeWorld } from "./node_world.ts";

const LAYOUT = layoutOf(["n1", "n3"]);

/** Node n1, and what its operator is told. */
function othersOf(layout: Layout | undefined = LAYOUT) {
  const time = new ManualTime();
  const told: string[] = [];
  const connected = new Set<string>();
  const others = new OtherLayouts({
    node: "n1",
    clock: time.clock(),
    layout: () => layout,
    report: (...heard) => void told.push(heard.join(" ")),
    isConnected: (node) => connected.has(node),
  });
  const judge = (layoutId: string | undefined, node = "n2") =>
    others.judge(heartbeatOf({ node, peerId: `peer of ${node}`, layoutId }));
  return { time, told, connected, others, judge };
}

Deno.test("a peer with another layout is refused and told of, with what to do", () => {
  const { judge, others, told } = othersOf();
  const refusal = judge("1-ab")!;
  assert.equal(refusal.code, "other_layout");
  assert.match(refusal.message, new RegExp(`n2 has layout 1-ab and n1 has ${LAYOUT.id}: .*start`));
  assert.deepEqual(told, ["1-ab peer of n2 n2"]);
  assert.deepEqual(others.known.map(({ node, layoutId }) => [node, layoutId]), [["n2", "1-ab"]]);
});

Deno.test("a peer with our layout, or with none, is not refused, nor anybody before there is one", () => {
  const { judge, others, told } = othersOf();
  for (const id of [LAYOUT.id, undefined]) assert.equal(judge(id), undefined);
  assert.equal(othersOf(undefined).judge(undefined), undefined);
  assert.deepEqual([others.known, others.problem, told], [[], undefined, []]);
});

Deno.test("a node whose layout no other member confirms is not ready while somebody names another", () => {
  const { connected, judge, others, time } = othersOf();
  judge("1-ab");
  assert.match(others.problem!, /^n2 has layout 1-ab, this node has 1-.*two clusters/);
  connected.add("n3");
  assert.equal(others.problem, undefined, "anybody can name a layout");
  connected.delete("n3");
  time.run(60_000);
  assert.equal(others.problem, undefined, "it was not heard of for a minute");
  judge("1-ab");
  assert.ok(others.problem !== undefined);
  judge(LAYOUT.id);
  assert.equal(others.problem, undefined, "it has come round");
});

Deno.test("those that are remembered are limited", () => {
  const { judge, others } = othersOf();
  for (let i = 0; i < 1_000; i++) judge("1-ab", `x${i}`);
  assert.equal(others.known.length, 64);
});

Deno.test("two clusters that meet refuse each other, and never call their copies equal", async () => {
  await using world = await NodeWorld.withoutLayout(1, { replication: 1 });
  world.cut("n1", "n2");
  await world.start("n2");
  for (const name of ["n1", "n2"]) await world.ended(world.node(name).initLayout([name]));
  const nodes = ["n1", "n2"].map((name) => world.node(name));
  await world.time.until(() => nodes.every((node) => node.status().isReady), "both are ready");
  world.heal("n1", "n2");
  await world.time.until(() => nodes.every((node) => !node.status().isReady), "both have noticed");
  for (const [at, node] of nodes.entries()) {
    const other = nodes[1 - at]!.status();
    const sentence = `${other.node} has layout ${other.layoutId}, this node has `;
    assert.ok(node.status().notReadyBecause!.startsWith(sentence), node.status().notReadyBecause);
    const row = node.members().find((member) => member.node === other.node)!;
    assert.deepEqual([row.isConnected, row.layoutId], [false, other.layoutId]);
    assert.equal(row.because, `it is refused, as it has another layout: ${other.layoutId}`);
    const { unasked } = await world.ended(node.differences());
    assert.deepEqual(unasked.map(({ node }) => node), [other.node]);
    assert.ok(unasked[0]!.error.startsWith(sentence));
  }
  await world.time.pass(600_000);
  assert.ok(nodes.every((node) => !node.status().isReady), "nobody decides but the operator");
});

Deno.test("a node leaves no other out of the layout unless it is told to", async () => {
  await using world = await NodeWorld.withoutLayout(5);
  const n1 = world.node("n1");
  await assert.rejects(world.ended(n1.initLayout(["n1"])), {
    code: "layout_refused",
    message: /n2, n3, n4, n5 would never keep any data, and every key would have one copy for ever/,
  });
  await assert.rejects(world.ended(n1.initLayout(world.names.slice(0, 4))), /n5 would never keep/);
  assert.equal(n1.ring(), undefined);
  const ring = await world.ended(n1.initLayout(["n1"], { force: true }));
  assert.deepEqual(ring.members.map(({ node }) => node), ["n1"]);
});
