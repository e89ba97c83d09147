import assert from "node:assert/strict";
import type { MemberView } from "../../src/node/api.ts";
import { NodeWorld } from "../node/node_world.ts";

function seen(world: NodeWorld, by: string, node: string): MemberView {
  return world.node(by).members().find((view) => view.node === node)!;
}

/** Cuts a node off from all others without a word, as a stopped process or a lost power does. */
function cutOff(world: NodeWorld, node: string): void {
  for (const other of world.names) if (other !== node) world.cut(node, other);
}

function stateOf(world: NodeWorld, by: string, node: string): string {
  return seen(world, by, node).state;
}

Deno.test("a node that falls silent is down at all others within five seconds, and they say why", async () => {
  await using world = await NodeWorld.of(5);
  for (const waitMs of [3_000, 333, 471]) {
    await world.time.pass(waitMs);
    cutOff(world, "n5");
    const beganAtMs = world.time.nowMs;
    const rest = ["n1", "n2", "n3", "n4"];
    const isKnown = () => rest.every((name) => stateOf(world, name, "n5") === "down");
    await world.time.until(isKnown, "n5 is down everywhere", 5_000);
    assert.ok(world.time.nowMs - beganAtMs <= 5_000);
    assert.match(seen(world, "n1", "n5").because, /late.*neither we nor n2, n3, n4 reach it/);
    for (const name of rest) {
      world.heal("n5", name);
      for (const other of rest) if (other !== name) assert.equal(stateOf(world, name, other), "up");
    }
    const isBack = () => rest.every((name) => stateOf(world, name, "n5") === "up");
    await world.time.until(isBack, "n5 is back", 60_000);
    await world.whenReady();
  }
});

Deno.test("a node that stops is down at all others within five seconds", async () => {
  await using world = await NodeWorld.of(3);
  const beganAtMs = world.time.nowMs;
  await world.stop("n3");
  const isKnown = () => ["n1", "n2"].every((name) => stateOf(world, name, "n3") === "down");
  await world.time.until(isKnown, "n3 is down everywhere");
  assert.ok(world.time.nowMs - beganAtMs <= 5_000);
});

Deno.test("whom others reach and we do not is suspect for as long as that lasts, and never down", async () => {
  await using world = await NodeWorld.of(4);
  world.cut("n1", "n2");
  await world.time.until(() => stateOf(world, "n1", "n2") === "suspect", "n2 is suspect");
  for (let i = 0; i < 240; i++) {
    await world.time.pass(250);
    assert.notEqual(stateOf(world, "n1", "n2"), "down");
    assert.equal(stateOf(world, "n3", "n2"), "up");
  }
  assert.match(seen(world, "n1", "n2").because, /, n[34] reaches it, we do not$/);
  world.heal("n1", "n2");
  await world.time.until(() => stateOf(world, "n1", "n2") === "up", "n2 is up again");
});

Deno.test("a node that hears nobody doubts itself first, while the others condemn it", async () => {
  await using world = await NodeWorld.of(5);
  const others = ["n1", "n2", "n3", "n4"];
  cutOff(world, "n5");
  const isCondemned = () => others.every((name) => stateOf(world, name, "n5") === "down");
  await world.time.until(isCondemned, "n5 is down everywhere", 5_000);
  await world.time.pass(3_000);
  for (const name of others) assert.equal(stateOf(world, "n5", name), "suspect");
  assert.equal(
    seen(world, "n5", "n5").because,
    "this node hears nothing of n1, n2, n3, n4 and may be cut off itself",
  );
  for (const name of others) world.heal("n5", name);
  const isBack = () => others.every((name) => stateOf(world, "n5", name) === "up");
  await world.time.until(isBack, "n5 is back", 60_000);
  assert.equal(seen(world, "n5", "n5").because, "it was asked");
});

Deno.test("if two of three die at once the third one condemns them after its doubt", async () => {
  await using world = await NodeWorld.of(3);
  for (const name of ["n2", "n3"]) world.cut("n1", name);
  const beganAtMs = world.time.nowMs;
  const isKnown = () => ["n2", "n3"].every((name) => stateOf(world, "n1", name) === "down");
  await world.time.until(isKnown, "both are down", 20_000);
  const tookMs = world.time.nowMs - beganAtMs;
  assert.ok(tookMs > 10_000 && tookMs < 15_000, `${tookMs}`);
});
