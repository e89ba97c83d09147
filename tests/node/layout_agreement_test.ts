import assert from "node:assert/strict";
import { isNamedByMembers, type Naming } from "../../src/node/layout_agreement.ts";
import type { Layout } from "../../src/ring/layout.ts";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { layoutOf, LayoutWorld } from "./layout_world.ts";

const NAMES = ["n1", "n2", "n3"];
const LAYOUT = layoutOf(NAMES);

/** A world in which these nodes have a layout and the others have none. */
async function worldWith(layout: Layout, holders: readonly string[], ...others: string[]) {
  const world = await LayoutWorld.of(...holders, ...others);
  for (const name of holders) await world.node(name).store.install(encodeLayout(layout));
  return world;
}

function naming(ids: Record<string, string | undefined>): Naming[] {
  return Object.entries(ids).map(([node, layoutId]) => ({ node, layoutId }));
}

Deno.test("a node that comes late takes the layout that the members name", async () => {
  const world = await worldWith(LAYOUT, NAMES, "n4");
  await world.hear("n4", "n2");
  assert.equal(world.node("n4").store.held?.layout.id, LAYOUT.id);
});

Deno.test("a member that has lost its disk is told by the other two, and not by one of them", async () => {
  const world = await worldWith(LAYOUT, ["n1", "n2"], "n3");
  const { seen, store } = world.node("n3");
  seen.delete("n2");
  await world.hear("n3", "n1");
  assert.equal(store.version, 0);
  seen.add("n2");
  let asked = 0;
  world.node("n1").rpc.serve(METHODS.fetchLayout, () => {
    asked++;
    return [];
  });
  await world.hear("n3", "n1");
  assert.deepEqual([store.held?.layout.id, asked], [LAYOUT.id, 0], "it was fetched already");
});

Deno.test("what one node names is not taken while a member is not seen, nor of any other version", async () => {
  const world = await worldWith(LAYOUT, [], ...NAMES, "x1");
  const { rpc } = world.node("x1");
  world.node("n1").seen.delete("n2");
  for (
    const [made, line] of [
      [layoutOf([...NAMES, "x1"]), undefined],
      [layoutOf(["x1"], 1, 2 ** 53 - 1), /No layout of version/],
    ] as const
  ) {
    world.lies.set("x1", made.id);
    rpc.serve(METHODS.fetchLayout, () => [encodeLayout(made)]);
    await world.hear("n1", "x1");
    assert.equal(world.node("n1").store.held, undefined);
    if (line !== undefined) assert.match(world.node("n1").log.lines.at(-1)!, line);
  }
});

Deno.test("a layout that is not the one that was named is nonsense", async () => {
  const world = await worldWith(LAYOUT, NAMES, "n4");
  world.node("n2").rpc.serve(METHODS.fetchLayout, () => [encodeLayout(layoutOf(["n9"], 1))]);
  await world.hear("n4", "n2");
  assert.equal(world.node("n4").store.held, undefined);
  assert.deepEqual(world.node("n4").rpc.nonsense, [
    { peer: "n2", kind: "fetchLayout answer", count: 1 },
  ]);
  await world.hear("n4", "n1");
  assert.equal(world.node("n4").store.held?.layout.id, LAYOUT.id);
});

Deno.test("a node that holds a layout asks nobody for another", async () => {
  const world = await worldWith(LAYOUT, NAMES, "x1");
  const other = layoutOf(["x1"], 1);
  await world.node("x1").store.install(encodeLayout(other));
  await world.hear("n1", "x1");
  const { log, store } = world.node("n1");
  assert.equal(store.held?.layout.id, LAYOUT.id);
  assert.match(log.lines.at(-1)!, new RegExp(`two clusters.*"peer":"x1","theirs":"${other.id}"`));
});

Deno.test("isNamedByMembers() counts a majority of the members beside the node itself", () => {
  const { id } = LAYOUT;
  const isNamed = (self: string, ids: Record<string, string | undefined>) =>
    isNamedByMembers(LAYOUT, self, naming(ids));
  assert.ok(!isNamed("n4", {}));
  assert.ok(!isNamed("n4", { n1: id }));
  assert.ok(isNamed("n4", { n1: id, n2: id }));
  assert.ok(!isNamed("n3", { n1: id }));
  assert.ok(isNamed("n3", { n1: id, n2: id }));
  assert.ok(!isNamed("n4", { n1: id, x1: id, x2: id }), "strangers do not count");
  const two = layoutOf(["n1", "n2"], 2);
  assert.ok(isNamedByMembers(two, "n2", naming({ n1: two.id })));
  assert.ok(!isNamedByMembers(two, "n3", naming({ n1: two.id })));
});

Deno.test("where most disks were lost one member is enough, if all others are seen and name none", () => {
  const { id } = LAYOUT;
  const isNamed = (ids: Record<string, string | undefined>) =>
    isNamedByMembers(LAYOUT, "n3", naming(ids));
  assert.ok(isNamed({ n1: id, n2: undefined }));
  assert.ok(!isNamed({ n1: id }), "n2 may have another");
  assert.ok(!isNamed({ n1: id, n2: "1-x" }));
  assert.ok(!isNamed({ n1: undefined, n2: undefined, x1: id }), "no member names it");
});

Deno.test("isNamedByMembers() is false while another layout is named by as many", () => {
  const { id } = LAYOUT;
  const ids = { n1: id, n2: id, x1: "1-x", x2: "1-x" };
  assert.ok(!isNamedByMembers(LAYOUT, "n3", naming(ids)));
  assert.ok(isNamedByMembers(LAYOUT, "n4", naming({ ...ids, n3: id })));
  assert.ok(isNamedByMembers(LAYOUT, "n4", naming({ ...ids, n3: id, x3: "1-y" })));
});
