import assert from "node:assert/strict";
import fc from "fast-check";
import type { Comparison } from "../../src/replica/anti_entropy.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { currentOf, type RepairNode, RepairWorld } from "./repair_world.ts";
import { layoutOf } from "../node/layout_world.ts";

const TWO = { names: ["n1", "n2"] } as const;
const THREE = { names: ["n1", "n2", "n3"] } as const;

/** Writes keys at one node and gives them to the others, so that all hold the same. */
async function writeAll(world: RepairWorld, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const [first, ...others] = world.ownersOf(key);
    const object = await world.write(first!, key, "same");
    for (const other of others) await world.give(other, key, object);
  }
}

function compare(world: RepairWorld, from: string, to: string) {
  return world.settle(world.node(from).antiEntropy.compareWith(to));
}

/** How often a node was asked for something. */
function countOf({ asked }: RepairNode, method: string): number {
  return asked.filter((it) => it === method).length;
}

function assertSame({ differing, repaired }: Comparison): void {
  assert.deepEqual({ differing, repaired }, { differing: [], repaired: 0 });
}

Deno.test("a comparison finds exactly the keys that differ and makes both copies the same", async () => {
  const world = await RepairWorld.of(TWO);
  const [onlyHere, onlyThere, newerHere, newerThere, both, ...same] = world.keysWhere(
    () => true,
    300,
  ) as [string, string, string, string, string, ...string[]];
  await writeAll(world, [newerHere, newerThere, both, ...same]);
  await world.write("n1", onlyHere, "here");
  await world.write("n2", onlyThere, "there");
  await world.write("n1", newerHere, "newer");
  await world.write("n2", newerThere, "newer");
  await world.write("n1", both, "left");
  await world.write("n2", both, "right");

  const different = [onlyHere, onlyThere, newerHere, newerThere, both];
  const partitions = new Set(different.map((key) => world.partitionOf(key)));
  const { differing, levelled, partitions: compared, repaired } = await compare(world, "n1", "n2");
  assert.deepEqual([compared, levelled.size], [256, 256]);
  assert.deepEqual([...differing].sort(), [...partitions].sort());
  assert.equal(repaired, 6, "one copy of each, and both of what was written on both sides");
  assert.equal(countOf(world.node("n2"), "read"), 4, "what is only here is not asked for");
  assert.equal(countOf(world.node("n2"), "level"), 3);
  for (const key of different) {
    const [ours, theirs] = [await world.read("n1", key), await world.read("n2", key)];
    assert.equal(ours.digest(), theirs.digest(), key);
  }
  assert.deepEqual(await world.textsOf("n1", both), ["left", "right"]);
  assert.deepEqual(await world.textsOf("n2", newerHere), ["newer"]);
  assertSame(await compare(world, "n2", "n1"));
});

Deno.test("copies that are the same cost one message for a thousand partitions", async () => {
  const world = await RepairWorld.of({ ...TWO, partitions: 2048 });
  await writeAll(world, world.keysWhere(() => true, 50));
  await compare(world, "n1", "n2");
  assert.deepEqual(world.node("n2").asked, ["roots", "roots"]);
});

Deno.test("keys of a namespace with other owners are compared with those owners and nobody else", async () => {
  const world = await RepairWorld.of({
    names: ["n1", "n2", "n3", "n4"],
    namespaces: [{ prefix: "all/", n: 4 }, { prefix: "one/", n: 1 }],
  });
  const owners = world.ownersOf("a") as [string, string, string];
  const [fourth] = world.othersOf("a") as [string];
  const isBeside = (key: string) => world.partitionOf(key) === world.partitionOf("a");
  const [everywhere] = world.keysWhere(isBeside, 1, "all/") as [string];
  const [alone] = world.keysWhere(isBeside, 1, "one/") as [string];
  for (const key of ["a", everywhere, alone]) await world.write(owners[0], key, "milk");

  await compare(world, owners[0], fourth);
  assert.deepEqual(await world.textsOf(fourth, everywhere), ["milk"]);
  assert.ok((await world.read(fourth, "a")).isEmpty && (await world.read(fourth, alone)).isEmpty);

  await compare(world, owners[1], owners[0]);
  assert.deepEqual(await world.textsOf(owners[1], "a"), ["milk"]);
  assert.deepEqual(await world.textsOf(owners[1], everywhere), ["milk"]);
  assert.ok((await world.read(owners[1], alone)).isEmpty, "it has one owner");
});

Deno.test("a difference that is seen once only is left alone", async () => {
  const world = await RepairWorld.of(TWO);
  const { object } = await world.begin("n1", "a", "in flight");
  const comparing = world.node("n1").antiEntropy.compareWith("n2");
  await world.time.until(() => countOf(world.node("n2"), "leaves") === 1, "it differs");
  await world.give("n2", "a", object);
  assertSame(await world.settle(comparing));
  assert.equal(countOf(world.node("n2"), "entries"), 0);
});

Deno.test("more keys than one message tells are exchanged page by page", async () => {
  const world = await RepairWorld.of(TWO);
  const keys = world.keysWhere((key) => world.partitionOf(key) === 7, 1_100);
  await Promise.all(keys.map((key, i) => world.write(i % 10 === 0 ? "n1" : "n2", key, "milk")));
  const same = world.keysWhere((key) => world.partitionOf(key) === 7, 50, "same ");
  await writeAll(world, same);
  const { differing, repaired } = await compare(world, "n1", "n2");
  assert.deepEqual([differing, repaired], [[7], 1_100]);
  assert.equal(countOf(world.node("n2"), "entries"), 3);
  assert.equal(countOf(world.node("n2"), "read"), 990, "what is the same is not asked for");
  for (const key of keys) {
    assert.equal((await world.read("n1", key)).digest(), (await world.read("n2", key)).digest());
  }
});

Deno.test("a full page that is the last is followed by an empty one", async () => {
  const world = await RepairWorld.of(TWO);
  const keys = world.keysWhere((key) => world.partitionOf(key) === 7, 512);
  for (const key of keys) await world.write("n2", key, "milk");
  assert.equal((await compare(world, "n1", "n2")).repaired, 512);
  assert.equal(countOf(world.node("n2"), "entries"), 2);
});

Deno.test("writes during a comparison are neither lost nor undone", async () => {
  const world = await RepairWorld.of(TWO);
  const keys = world.keysWhere(() => true, 40);
  for (const key of keys) await world.write("n2", key, "old");
  const comparing = world.node("n1").antiEntropy.compareWith("n2");
  let isDone = false;
  comparing.finally(() => isDone = true);
  for (let i = 0; !isDone; i++) {
    await world.write(i % 2 === 0 ? "n1" : "n2", keys[i % keys.length]!, `${i}`);
    await world.time.step();
  }
  await comparing;
  await compare(world, "n1", "n2");
  assert.deepEqual((await compare(world, "n1", "n2")).differing, []);
  for (const key of keys) {
    const texts = await world.textsOf("n1", key);
    assert.ok(texts.length > 0);
    assert.deepEqual(await world.textsOf("n2", key), texts);
  }
});

for (const [where, from, to] of [["here", "n1", "n2"], ["there", "n2", "n1"]] as const) {
  Deno.test(`a record that cannot be read ${where} holds up no other key`, async () => {
    const world = await RepairWorld.of(TWO);
    const keys = world.keysWhere(() => true, 20)
      .sort((a, b) => world.partitionOf(a) - world.partitionOf(b));
    const damaged = keys[0]!;
    await writeAll(world, [damaged]);
    await world.flush("n1");
    const { replica } = await world.restart("n1", () => world.damage("n1", damaged));
    const corrupt: string[] = [];
    replica.onCorrupt = (partition) => corrupt.push(`${partition}`);
    for (const [i, key] of keys.slice(1).entries()) {
      await world.write(i % 2 === 0 ? "n1" : "n2", key, "milk");
    }
    const { repaired } = await compare(world, from, to);
    assert.equal(repaired, 19);
    for (const key of keys.slice(1)) {
      assert.deepEqual(await world.textsOf("n1", key), ["milk"]);
      assert.deepEqual(await world.textsOf("n2", key), ["milk"]);
    }
    assert.ok(corrupt.includes(`${world.partitionOf(damaged)}`), "it is told, to be repaired");
    await assert.rejects(world.read("n1", damaged), { code: "corrupt" });
  });
}

Deno.test("a partition of which a key was skipped is not filled by the comparison", async () => {
  const world = await RepairWorld.of(TWO);
  await writeAll(world, ["a"]);
  await world.flush("n1");
  const { filling } = await world.restart("n1", () => world.damage("n1", "a"));
  filling.begin("It has forgotten something");
  assert.equal(filling.count, 256);
  await compare(world, "n1", "n2");
  assert.equal(filling.count, 1);
  assert.ok(filling.isFilling(world.partitionOf("a")));
});

Deno.test("a node that is killed while it fills goes on where it was, unless its disk is an old one", async () => {
  const world = await RepairWorld.of(THREE);
  await writeAll(world, ["a"]);
  world.node("n1").filling.begin("It has forgotten something");
  await compare(world, "n1", "n2");
  assert.equal(world.node("n1").filling.count, 256, "one of two others is not enough");
  const { filling } = await world.restart("n1");
  assert.equal(filling.count, 256);
  assert.equal(filling.lackedFrom("n2")!.size, 0);
  assert.equal(filling.lackedFrom("n3")!.size, 256);
  filling.begin("A peer remembers a later run");
  assert.equal(filling.lackedFrom("n2")!.size, 256);
  await compare(world, "n1", "n2");
  filling.begin("Another peer remembers it too");
  assert.equal(filling.lackedFrom("n2")!.size, 0, "it has begun already");
  await compare(world, "n1", "n3");
  assert.equal(filling.count, 0);
  assert.equal((await world.restart("n1")).filling.isActive, false);
});

Deno.test("what a node has taken counts as filled, though the comparison breaks off", async () => {
  const world = await RepairWorld.of(TWO);
  for (const key of world.keysWhere(() => true, 30)) await world.write("n2", key, "milk");
  const { antiEntropy, filling } = world.node("n1");
  filling.begin("It has forgotten something");
  const comparing = antiEntropy.compareWith("n2");
  comparing.catch(() => {});
  await world.time.until(() => countOf(world.node("n2"), "read") === 20, "a part is done");
  world.isolate("n2");
  await assert.rejects(world.settle(comparing), { code: "timeout" });
  assert.ok(filling.count > 0 && filling.count < 28, `${filling.count} are left`);
});

Deno.test("a peer that dies ends the comparison, and the next one ends what it has begun", async () => {
  const world = await RepairWorld.of(TWO);
  const keys = world.keysWhere(() => true, 30);
  for (const key of keys) await world.write("n2", key, "milk");
  const comparing = world.node("n1").antiEntropy.compareWith("n2");
  comparing.catch(() => {});
  await world.time.until(() => countOf(world.node("n2"), "read") === 10, "a part is done");
  world.isolate("n2");
  await assert.rejects(world.settle(comparing), { code: "timeout" });
  const found = await Promise.all(keys.map(async (key) => !(await world.read("n1", key)).isEmpty));
  const doneCount = found.filter(Boolean).length;
  assert.ok(doneCount > 0 && doneCount < 10, `${doneCount} are done`);
  await assert.rejects(compare(world, "n1", "n2"), /^DenamoError: n2 is not connected$/);
  world.connectAll("n2");
  assert.equal((await compare(world, "n1", "n2")).repaired, 30 - doneCount);
});

Deno.test("many copies are brought up to date at once, not one after the other", async () => {
  const world = await RepairWorld.of(TWO);
  const keys = world.keysWhere(() => true, 400);
  for (const key of keys) await world.write("n2", key, "milk");
  const startMs = world.time.nowMs;
  assert.equal((await compare(world, "n1", "n2")).repaired, 400);
  const tookMs = world.time.nowMs - startMs;
  // A second passes before the second sight, and each key takes two milliseconds there and back.
  assert.ok(tookMs < 1_000 + 400, `it took ${tookMs} ms`);
});

Deno.test("a peer with another layout refuses and tells its own", async () => {
  const world = await RepairWorld.of(TWO);
  const other = currentOf(layoutOf(["n1", "n2"], 2, 2));
  world.layouts.set("n2", other);
  await assert.rejects(compare(world, "n1", "n2"), { code: "wrong_layout", outcome: "no" });
  const { antiEntropy } = world.node("n1");
  antiEntropy.start();
  await world.time.until(() => world.heard.length > 0, "the other layout is learned");
  assert.deepEqual(world.heard[0], other.layout.id);
  antiEntropy.stop();
  world.layouts.delete("n2");
  await assert.rejects(compare(world, "n1", "n2"), { code: "not_ready" });
});

Deno.test("once started it compares with every member in turn, and stops", async () => {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4"] });
  const { antiEntropy } = world.node("n1");
  antiEntropy.start();
  await world.time.until(() => antiEntropy.counts.compared === 3, "three are compared");
  for (const name of ["n2", "n3", "n4"]) assert.equal(countOf(world.node(name), "roots"), 1, name);
  antiEntropy.stop();
  const { compared } = antiEntropy.counts;
  await world.time.pass(60_000);
  assert.ok(antiEntropy.counts.compared <= compared + 1);
});

Deno.test("equalSinceMs() tells since when all other owners hold the same, and nothing before", async () => {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  const { antiEntropy } = world.node("n1");
  await compare(world, "n1", "n2");
  assert.equal(antiEntropy.equalSinceMs(3, 0), undefined, "n3 has not been asked");
  await world.time.pass(500);
  await compare(world, "n1", "n3");
  await world.time.pass(1_000);
  const sinceMs = antiEntropy.equalSinceMs(3, 0)!;
  assert.ok(sinceMs >= 1_500 && sinceMs < 1_600, `${sinceMs}`);
});

Deno.test("whichever keys differ, one comparison of calm copies finds these and no others", async () => {
  const where = fc.constantFrom("same", "here", "there", "both", "newer here", "newer there");
  await fc.assert(
    fc.asyncProperty(fc.array(where, { maxLength: 60 }), async (places) => {
      const world = await RepairWorld.of({ ...TWO, namespaces: [{ prefix: "key 1", n: 2 }] });
      const different = new Set<number>();
      for (const [i, place] of places.entries()) {
        const key = `key ${i}`;
        if (place === "same" || place.startsWith("newer")) await writeAll(world, [key]);
        if (place === "both" || place.endsWith("here")) await world.write("n1", key, "1");
        if (place === "both" || place === "there" || place === "newer there") {
          await world.write("n2", key, "2");
        }
        if (place !== "same") different.add(world.partitionOf(key));
      }
      const { differing } = await compare(world, "n1", "n2");
      assert.deepEqual([...differing].sort(), [...different].sort());
      for (const i of places.keys()) {
        const [a, b] = [await world.read("n1", `key ${i}`), await world.read("n2", `key ${i}`)];
        assert.equal(a.digest(), b.digest());
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("more partitions that differ than requests may be open at once are compared all the same", async () => {
  const world = await RepairWorld.of({ ...TWO, partitions: 8192 });
  const { replica } = world.node("n2");
  const [last] = world.keysWhere((key) => world.partitionOf(key) >= 5_000, 1);
  const object = await world.write("n2", last!, "milk");
  const keys = new Map<number, string>();
  for (let i = 0; keys.size < 5_000; i++) {
    const partition = world.partitionOf(`${i}`);
    if (partition < 5_000 && !keys.has(partition)) keys.set(partition, `${i}`);
  }
  const merged = [...keys].map(([at, key]) => replica.merge(at, utf8(key), object));
  await Promise.all(merged);
  const { differing, repaired } = await compare(world, "n1", "n2");
  assert.deepEqual([differing.length, repaired], [5_001, 5_001]);
});

Deno.test("a key that one copy cannot take holds up no other key", async () => {
  const world = await RepairWorld.of(TWO);
  const large = "x".repeat(400_000);
  await world.write("n1", "a", large);
  await world.write("n2", "a", large);
  const others = world.keysWhere((key) => key !== "a", 10);
  for (const key of others) await world.write("n2", key, "milk");
  assert.equal((await compare(world, "n1", "n2")).repaired, 10);
  assert.equal((await compare(world, "n2", "n1")).repaired, 0);
});
