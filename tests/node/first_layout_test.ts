import assert from "node:assert/strict";
import fc from "fast-check";
import type { Layout } from "../../src/ring/layout.ts";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { layoutOf, LayoutWorld, watch } from "./layout_world.ts";

const NAMES = ["n1", "n2", "n3"];

function assertCode(error: unknown, code: string): asserts error is DenamoError {
  assert.ok(error instanceof DenamoError, `${error}`);
  assert.deepEqual([error.code, error.outcome], [code, "no"], error.message);
}

Deno.test("make() puts a first layout in force on every node that sees the others", async () => {
  const world = await LayoutWorld.of(...NAMES, "spare");
  const layout = layoutOf(NAMES);
  assert.equal(await world.outcome(world.node("n1").firstLayout.make(layout)), undefined);
  for (const { name, store } of world.nodes.values()) {
    assert.equal(store.held?.layout.id, layout.id, name);
  }
});

Deno.test("however slow networks and disks are, two operators never make two layouts", async () => {
  const delay = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.integer({ min: 0, max: 4_000 }),
  );
  const delayOfDisk = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(delay, { minLength: 9, maxLength: 9 }),
      fc.array(delayOfDisk, { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 0, max: 16_000 }),
      async (delays, commitMs, headStartMs) => {
        const world = await LayoutWorld.of(...NAMES);
        const index = (name: string) => NAMES.indexOf(name);
        world.delayMs = (from, to) => delays[3 * index(from) + index(to)]!;
        for (const { name, troubles } of world.nodes.values()) {
          troubles.commitMs = commitMs[index(name)]!;
        }
        const first = watch(world.node("n1").firstLayout.make(layoutOf(NAMES, 3)));
        await world.time.pass(headStartMs);
        const second = watch(world.node("n2").firstLayout.make(layoutOf(NAMES, 2)));
        await world.time.pass(60_000);
        assert.ok(first.isSettled && second.isSettled);
        const made = [first, second].filter(({ error }) => error === undefined);
        assert.equal(world.layoutIds().length, made.length);
        assert.ok(made.length <= 1);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("two operators who try again until there is a layout end with one", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.integer({ min: 1, max: 3_000 })),
      async (chance) => {
        const world = await LayoutWorld.of(...NAMES);
        world.delayMs = () => chance.next().value! / 50;
        const tryUntilMade = async (name: string, replication: number) => {
          const { firstLayout } = world.node(name);
          for (;;) {
            try {
              return await firstLayout.make(layoutOf(NAMES, replication));
            } catch (error) {
              if ((error as DenamoError).code === "layout_exists") return;
              assertCode(error, "layout_refused");
            }
            await new Promise<void>((resolve) => {
              world.time.after(chance.next().value!, resolve);
            });
          }
        };
        const made = Promise.all([tryUntilMade("n1", 3), tryUntilMade("n3", 2)]);
        assert.equal(await world.outcome(made), undefined);
        assert.equal(world.layoutIds().length, 1);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("make() tells a node with a layout from one that will have another", async () => {
  const world = await LayoutWorld.of(...NAMES);
  const layout = layoutOf(NAMES);
  await world.outcome(world.node("n1").firstLayout.make(layout));
  for (const name of NAMES) {
    assertCode(await world.outcome(world.node(name).firstLayout.make(layout)), "layout_exists");
  }

  const other = await LayoutWorld.of(...NAMES);
  watch(other.node("n2").firstLayout.make(layoutOf(NAMES, 2)));
  const error = await other.outcome(other.node("n1").firstLayout.make(layout));
  assertCode(error, "layout_refused");
  assert.match(error.message, /has promised another layout; try again/);
});

Deno.test("a layout that only one other node has is found there before another is made", async () => {
  const world = await LayoutWorld.of(...NAMES);
  const old = layoutOf(["n3"]);
  world.node("n3").seen.clear();
  await world.outcome(world.node("n3").firstLayout.make(old));
  const error = await world.outcome(world.node("n1").firstLayout.make(layoutOf(NAMES)));
  assertCode(error, "layout_exists");
  assert.match(error.message, new RegExp(`n3 has layout ${old.id}`));
  assert.deepEqual(world.layoutIds(), [old.id]);
});

Deno.test("missing() names the members that a node does not see, itself never", async () => {
  const world = await LayoutWorld.of("n1", "n2");
  const { firstLayout } = world.node("n1");
  assert.deepEqual(firstLayout.missing(["n1", "n2", "n3", "n4"]), ["n3", "n4"]);
  assert.deepEqual(firstLayout.missing(["n1", "n2"]), []);
});

Deno.test("make() is refused while any node misses a member, and nothing has changed", async () => {
  const world = await LayoutWorld.of(...NAMES);
  world.node("n2").seen.delete("n3");
  for (
    const [name, problem] of [["n1", /^n2 refuses: n2 does not see n3$/], ["n2", /n3/]] as const
  ) {
    const error = await world.outcome(world.node(name).firstLayout.make(layoutOf(NAMES)));
    assertCode(error, "layout_refused");
    assert.match(error.message, problem);
  }
  assert.deepEqual(world.layoutIds(), []);

  world.node("n2").seen.add("n3");
  assert.equal(await world.outcome(world.node("n1").firstLayout.make(layoutOf(NAMES))), undefined);
});

Deno.test("a node that does not answer stops a first layout for a while, not for ever", async () => {
  const world = await LayoutWorld.of(...NAMES);
  world.delayMs = (_from, to) => to === "n3" ? Infinity : 1;
  const error = await world.outcome(world.node("n1").firstLayout.make(layoutOf(NAMES)));
  assertCode(error, "layout_refused");
  assert.match(error.message, /^n3 refuses: The request took longer than \d+ ms$/);
  assert.deepEqual(world.layoutIds(), []);

  // Nobody knows whether n1 still lives: after some time its promises bind nobody.
  world.delayMs = () => 1;
  await world.time.pass(10_000);
  assert.equal(
    await world.outcome(world.node("n2").firstLayout.make(layoutOf(NAMES, 2))),
    undefined,
  );
});

Deno.test("a maker whose disk is slow keeps its word until the layout is on it", async () => {
  const world = await LayoutWorld.of(...NAMES);
  world.node("n1").troubles.commitMs = 30_000;
  const first = world.node("n1").firstLayout.make(layoutOf(NAMES));
  await world.time.pass(15_000);
  const again = await world.outcome(world.node("n1").firstLayout.make(layoutOf(NAMES)));
  assertCode(again, "layout_refused");
  const error = await world.outcome(world.node("n2").firstLayout.make(layoutOf(NAMES, 2)));
  assertCode(error, "layout_refused");
  assert.match(error.message, /^n1 refuses: n1 has promised another layout/);
  assert.equal(await world.outcome(first), undefined);
  assert.deepEqual(world.layoutIds(), [layoutOf(NAMES).id]);
});

Deno.test("a maker that stood still for long does not trust the promises that it got", async () => {
  const world = await LayoutWorld.of(...NAMES);
  const n1 = world.node("n1");
  const making = n1.firstLayout.make(layoutOf(NAMES));
  await world.time.pass(1);
  n1.troubles.stoodStillMs = 12_000;
  const error = await world.outcome(making);
  assertCode(error, "layout_refused");
  assert.match(error.message, /^n1 was held up for 120\d\d ms; try again$/);
  assert.deepEqual(world.layoutIds(), []);
});

Deno.test("a node that fails to make a layout may make another one at once", async () => {
  const world = await LayoutWorld.of("n1", "n2");
  const { firstLayout } = world.node("n1");
  world.node("n2").seen.clear();
  assertCode(
    await world.outcome(firstLayout.make(layoutOf(["n1", "n2"]))),
    "layout_refused",
  );
  world.node("n2").seen.add("n1");
  assert.equal(await world.outcome(firstLayout.make(layoutOf(["n1", "n2"], 2))), undefined);
});

Deno.test("who misses the installation gets the layout from whoever has it, as it has promised", async () => {
  const world = await LayoutWorld.of(...NAMES);
  let sentToThird = 0;
  world.delayMs = (from, to) => from === "n1" && to === "n3" && ++sentToThird > 1 ? Infinity : 1;
  const { firstLayout, store } = world.node("n1");
  assert.equal(await world.outcome(firstLayout.make(layoutOf(NAMES))), undefined);
  const late = world.node("n3");
  assert.equal(late.store.version, 0);
  // One voice is enough for what was promised, also to a run that begins after the promise.
  world.node("n2").seen.clear();
  late.seen.clear();
  const again = await world.restart("n3");
  assert.equal(again.store.version, 0);
  await world.hear("n3", "n2");
  assert.equal(again.store.held?.layout.id, store.held?.layout.id);
});

Deno.test("a promise binds the next run too, for as long as a maker may rely on it", async () => {
  const world = await LayoutWorld.of(...NAMES);
  const promise = (to: string, from: string, layout: Layout) =>
    world.outcome(
      world.node(from).rpc.call(to, METHODS.promiseLayout, [layout.id, NAMES], 5_000),
    );
  assert.equal(await promise("n3", "n1", layoutOf(NAMES)), undefined);
  await world.restart("n3");
  assertCode(await promise("n3", "n2", layoutOf(NAMES, 2)), "layout_refused");
  await world.time.pass(10_000);
  assert.equal(await promise("n3", "n2", layoutOf(NAMES, 2)), undefined);
});

Deno.test("only the peer that was given a promise installs a layout, that one, and in time", async () => {
  const world = await LayoutWorld.of(...NAMES);
  const n3 = world.node("n3");
  const [layout, other] = [layoutOf(NAMES), layoutOf(["n9"], 1)];
  const install = (from: string, made: Layout) => {
    const encoded = encodeLayout(made);
    return world.outcome(
      world.node(from).rpc.call("n3", METHODS.installLayout, [encoded], 5_000),
    );
  };
  assertCode(await install("n1", layout), "not_allowed");
  const promise = [layout.id, NAMES];
  await world.outcome(world.node("n1").rpc.call("n3", METHODS.promiseLayout, promise, 5_000));
  assertCode(await install("n2", layout), "not_allowed");
  assertCode(await install("n1", other), "not_allowed");
  assertCode(await install("n1", layoutOf(["n9"], 1, 2 ** 53 - 1)), "not_allowed");
  await world.time.pass(10_000);
  assertCode(await install("n1", layout), "not_allowed");
  assert.equal(n3.store.version, 0);
  await world.outcome(world.node("n1").rpc.call("n3", METHODS.promiseLayout, promise, 5_000));
  assert.equal(await install("n1", layout), undefined);
  assertCode(await install("n1", other), "layout_exists");
  assert.equal(n3.store.held?.layout.id, layout.id);
});
