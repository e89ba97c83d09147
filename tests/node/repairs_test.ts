import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { NodeWorld } from "./node_world.ts";

const KEYS = Array.from({ length: 20 }, (_, i) => `key ${i}`);

/** A world of three in which n3 has missed these keys. */
async function worldWithMissedKeys(keys: readonly string[]): Promise<NodeWorld> {
  const world = await NodeWorld.of(3, {
    namespaces: [{ prefix: "pair:", n: 2, w: 1, strict: true }],
  });
  await world.stop("n3");
  for (const key of keys) await world.put("n1", key, "value");
  await world.restart("n3");
  return world;
}

function partitionsOf(world: NodeWorld, keys: readonly string[]): number[] {
  const found = keys.map((key) => world.node("n1").placement(utf8(key))!.partition);
  return [...new Set(found)].sort((a, b) => a - b);
}

function refusedWith(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof DenamoError, String(error));
    assert.deepEqual([error.code, error.outcome], [code, "no"], error.message);
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("differences() names the partitions that differ and who holds the same, repair() ends them", async () => {
  await using world = await worldWithMissedKeys(KEYS);
  const missed = partitionsOf(world, KEYS);
  const [n1, n2] = [world.node("n1"), world.node("n2")];
  for (const node of [n1, world.node("n3")]) {
    const { differences, partitions, unasked } = await world.ended(node.differences());
    assert.deepEqual([partitions, unasked], [256, []]);
    assert.deepEqual(
      differences,
      missed.map((partition) => ({ partition, copies: 3, groups: [["n1", "n2"], ["n3"]] })),
    );
  }
  const { node, peers } = await world.ended(n1.repair());
  assert.equal(node, "n1");
  const part = { error: undefined, partitions: 256 };
  assert.deepEqual(peers, [
    { node: "n2", ...part, differing: [], repaired: 0 },
    { node: "n3", ...part, differing: missed, repaired: KEYS.length },
  ]);
  assert.deepEqual((await world.ended(n2.differences())).differences, []);
  const read = await world.ended(world.node("n3").get(utf8(KEYS[0]!), { r: 1 }));
  assert.deepEqual(read.value?.bytes, utf8("value"));
});

Deno.test("repair() of another node is done by that node, in the partitions that were named", async () => {
  await using world = await worldWithMissedKeys(KEYS);
  const [first, ...rest] = partitionsOf(world, KEYS);
  const n1 = world.node("n1");
  const { node, peers } = await world.ended(n1.repair({ node: "n3", partitions: [first!] }));
  assert.equal(node, "n3");
  assert.deepEqual(peers.map(({ node, differing }) => [node, differing]), [
    ["n1", [first]],
    ["n2", []],
  ]);
  const named = await world.ended(n1.differences([first!, rest[0]!]));
  assert.equal(named.partitions, 2);
  assert.deepEqual(named.differences.map(({ partition }) => partition), [rest[0]]);
  const left = (await world.ended(n1.differences())).differences;
  assert.deepEqual(left.map(({ partition }) => partition), rest);
});

Deno.test("differences() takes what becomes equal while it looks for no difference", async () => {
  await using world = await worldWithMissedKeys(KEYS);
  const checking = world.node("n1").differences();
  await world.time.pass(500);
  await world.ended(world.node("n3").repair());
  const { differences, unasked } = await world.ended(checking);
  assert.deepEqual([differences, unasked], [[], []]);
});

Deno.test("differences() and repair() say whom they could not ask", async () => {
  await using world = await NodeWorld.of(3);
  await world.stop("n3");
  const n1 = world.node("n1");
  const { differences, unasked } = await world.ended(n1.differences());
  assert.deepEqual(differences, []);
  assert.deepEqual(unasked, [{ node: "n3", error: "n3 is not connected" }]);
  const { peers } = await world.ended(n1.repair());
  assert.deepEqual(peers.map(({ error, node }) => [node, error]), [
    ["n2", undefined],
    ["n3", "n3 is not connected"],
  ]);
  await assert.rejects(
    world.ended(n1.repair({ node: "n3" })),
    refusedWith("timeout", /^n3 is not connected$/),
  );
});

Deno.test("keys with another number of copies differ by themselves, and are equal by themselves", async () => {
  const keys = Array.from({ length: 20 }, (_, i) => `pair:${i}`);
  await using world = await worldWithMissedKeys(keys);
  const n1 = world.node("n1");
  const { differences } = await world.ended(n1.differences());
  assert.ok(differences.length > 0);
  for (const { copies, groups, partition } of differences) {
    assert.equal(copies, 2);
    const { owners } = n1.placement(
      utf8(keys.find((key) => n1.placement(utf8(key))!.partition === partition)!),
    )!;
    assert.deepEqual(groups.flat().sort(), owners.toSorted());
  }
  const n3 = world.node("n3");
  const { partition } = differences.find(({ groups }) => groups.flat().includes("n1"))!;
  // Both kinds of key are compared; only those of three copies are equal at first sight.
  await world.ended(n1.repair({ partitions: [partition] }));
  const seen = n1.equality().filter((one) => one.partition === partition);
  assert.deepEqual(seen.map(({ copies, equalAgoMs }) => [copies, equalAgoMs !== undefined]), [
    [2, false],
    [3, true],
  ]);
  await world.ended(n3.repair());
  assert.deepEqual((await world.ended(n1.differences())).differences, []);
});

Deno.test("equality() tells when all other owners of each own partition were last seen equal", async () => {
  await using world = await NodeWorld.of(5);
  const n1 = world.node("n1");
  const own = n1.ring()!.members.find(({ node }) => node === "n1")!.partitions;
  assert.equal(n1.equality().length, own);
  assert.ok(n1.equality().every(({ equalAgoMs }) => equalAgoMs === undefined));
  await world.ended(n1.repair());
  await world.time.pass(5_000);
  for (const { copies, equalAgoMs } of n1.equality()) {
    assert.equal(copies, 3);
    assert.ok(equalAgoMs! >= 5_000 && equalAgoMs! < 10_000, `${equalAgoMs}`);
  }
});

Deno.test("hints() shows at every node what it keeps and who lacks it, until it is handed over", async () => {
  await using world = await NodeWorld.of(5);
  await world.stop("n3");
  const hinted = KEYS.filter((key) => world.node("n1").placement(utf8(key))!.owners.includes("n3"));
  assert.ok(hinted.length > 0);
  await world.time.pass(60_000);
  for (const key of KEYS) await world.put("n1", key, "value");
  await world.time.pass(10_000);
  const views = await world.ended(world.node("n2").hints());
  assert.deepEqual(views.map(({ node }) => node), world.names);
  const away = views[2]!;
  assert.deepEqual([away.error, away.isComplete], ["n3 is not connected", false]);
  const here = views.filter(({ error }) => error === undefined);
  assert.equal(here.reduce((sum, { keys }) => sum + keys, 0), hinted.length);
  for (const { bytes, isComplete, keys, limitBytes, oldestAgeMs, owners } of here) {
    assert.ok(isComplete && bytes < limitBytes);
    if (keys === 0) assert.deepEqual([bytes, oldestAgeMs, owners], [0, undefined, []]);
    else {
      assert.deepEqual(owners, [{ node: "n3", keys, bytes }], "the others have theirs");
      assert.ok(oldestAgeMs! >= 10_000 && oldestAgeMs! < 20_000, `${oldestAgeMs}`);
    }
  }

  await world.restart("n3");
  await world.time.pass(10_000);
  for (const view of await world.ended(world.node("n3").hints())) {
    assert.deepEqual([view.error, view.isComplete, view.keys], [undefined, true, 0], view.node);
  }
  assert.deepEqual((await world.ended(world.node("n1").differences())).differences, []);
});

Deno.test("hints() names who has been away for too long, and nothing more is kept for it", async () => {
  await using world = await NodeWorld.of(5, { hintWindowMs: 60_000 });
  const [key] = KEYS.filter((key) => world.node("n1").placement(utf8(key))!.owners.includes("n3"));
  const text = { kind: "text", bytes: utf8("value") } as const;
  const put = () => world.ended(world.node("n1").put(utf8(key!), text, { w: 3 }));
  const views = async () =>
    (await world.ended(world.node("n1").hints())).filter(({ node }) => node !== "n3");
  await world.stop("n3");
  await world.time.pass(30_000);
  await put();
  assert.ok((await views()).every(({ tooLongAway }) => tooLongAway.length === 0));
  await world.time.pass(60_000);
  for (const { tooLongAway } of await views()) assert.deepEqual(tooLongAway, ["n3"]);
  await assert.rejects(put(), refusedWith("quorum", /n3 has been away for 1 min: nothing more/));
  assert.equal((await views()).reduce((sum, { keys }) => sum + keys, 0), 1, "kept as before");

  // Who starts has seen nobody go: it counts from its start, and the others tell it better.
  await world.stop("n1");
  await world.start("n1");
  await world.time.pass(10_000);
  await assert.rejects(put(), { code: "quorum" });
  await world.time.pass(60_000);
  const [n1] = await views();
  assert.deepEqual([n1!.node, n1!.tooLongAway], ["n1", ["n3"]]);

  await world.restart("n3");
  await world.time.pass(10_000);
  await put();
  for (const { keys, tooLongAway } of await views()) assert.deepEqual([keys, tooLongAway], [0, []]);
});

Deno.test("a node that has just started does not say that it keeps nothing before it has looked", async () => {
  await using world = await NodeWorld.of(5);
  await world.stop("n3");
  for (const key of KEYS) await world.put("n1", key, "value");
  const before = await world.ended(world.node("n1").hints());
  const keeper = before.find(({ keys, node }) => keys > 0 && node !== "n1")!;
  await world.stop(keeper.node);
  await world.start(keeper.node);
  const own = async () => {
    const views = await world.ended(world.node(keeper.node).hints());
    return views.find(({ node }) => node === keeper.node)!;
  };
  const first = await own();
  assert.deepEqual([first.isComplete, first.keys], [false, 0]);
  await world.time.pass(5_000);
  const then = await own();
  assert.deepEqual([then.isComplete, then.keys], [true, keeper.keys]);
});

Deno.test("what makes no sense is refused: partitions, nodes, two repairs at once, no layout", async () => {
  await using world = await NodeWorld.of(3);
  const n1 = world.node("n1");
  for (const partition of [-1, 256, 1.5, NaN]) {
    const refused = refusedWith("bad_request", /^Partition .* is not from 0 to 255$/);
    await assert.rejects(n1.repair({ partitions: [partition] }), refused);
    await assert.rejects(n1.differences([partition]), refused);
  }
  const stranger = n1.repair({ node: "n9" });
  await assert.rejects(stranger, refusedWith("bad_request", /^Node n9 is not in the layout$/));
  const first = n1.repair();
  await assert.rejects(n1.repair(), refusedWith("overloaded", /^n1 is repairing already$/));
  await world.ended(first);
  await world.ended(n1.repair());

  await using without = await NodeWorld.withoutLayout(2);
  const node = without.node("n1");
  const notReady = refusedWith("not_ready", /no layout/);
  await assert.rejects(node.hints(), notReady);
  await assert.rejects(node.repair(), notReady);
  await assert.rejects(node.differences(), notReady);
  assert.deepEqual(node.equality(), []);
});
