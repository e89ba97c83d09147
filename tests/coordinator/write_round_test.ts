import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { Quorum } from "../../src/coordinator/quorum.ts";
import { standInsFor } from "../../src/coordinator/stand_ins.ts";
import { WriteRound } from "../../src/coordinator/write_round.ts";
import { DenamoError, OverloadedError, QuorumError } from "../../src/wire/errors.ts";
import { watch } from "../node/layout_world.ts";
import { HINT_WINDOW_MS, RepairWorld, type WorldSettings } from "../replica/repair_world.ts";

const KEY = "cart:alice";
const NEVER = new Promise<void>(() => {});

interface HowToWrite {
  readonly w?: number;
  readonly isStrict?: boolean;
  readonly timeoutMs?: number;
}

async function worldOf(nodeCount: number, settings: Partial<WorldSettings> = {}) {
  const names = Array.from({ length: nodeCount }, (_, i) => `n${i + 1}`);
  const world = await RepairWorld.of({ names, ...settings });
  const [self, second, third] = world.ownersOf(KEY) as [string, string, string];
  return { world, self, second, third, others: world.othersOf(KEY) };
}

/** One round of a write that a node coordinates. */
function roundOf(world: RepairWorld, name: string, { w = 2, isStrict = false }: HowToWrite = {}) {
  const { cluster, deadlines } = world.node(name);
  const owners = world.ownersOf(KEY);
  const findStandIns = () => isStrict ? [] : standInsFor(cluster, world.partitionOf(KEY), owners);
  const quorum = new Quorum("write", utf8(KEY), w, owners.length);
  return new WriteRound(cluster, deadlines, quorum, owners, findStandIns);
}

/** Begins a write; the answer is what becomes of it, and how long that took in milliseconds. */
async function write(world: RepairWorld, name: string, how: HowToWrite = {}) {
  const { before, object, durable } = await world.begin(name, KEY, "milk");
  durable.catch(() => {});
  const beganAtMs = world.time.nowMs;
  const running = roundOf(world, name, how).run({
    partition: world.partitionOf(KEY),
    key: utf8(KEY),
    before,
    object,
    durable,
    timeoutMs: how.timeoutMs ?? 2_000,
  });
  const outcome = watch(running);
  return {
    running,
    outcome,
    /** Waits for the end; returns after how many milliseconds it came. */
    end: async () => {
      await world.time.until(() => outcome.isSettled, "the end of the write");
      return world.time.nowMs - beganAtMs;
    },
  };
}

/** Who holds the key on its disk. */
async function holders(world: RepairWorld): Promise<string[]> {
  const found: string[] = [];
  for (const name of world.settings.names) {
    if ((await world.textsOf(name, KEY)).length > 0) found.push(name);
  }
  return found;
}

Deno.test("a write goes to all owners, ends when enough have it, and asks nobody else", async () => {
  const { world, self, second, third } = await worldOf(5);
  world.trouble(third).serving = () => NEVER;
  const { end, outcome } = await write(world, self);
  assert.ok(await end() < 250);
  assert.equal(outcome.error, undefined);
  assert.deepEqual(await holders(world), [self, second].sort());
});

Deno.test("where an owner cannot be reached the next fallback stands in at once and keeps the write for it", async () => {
  const { world, self, third, others } = await worldOf(5);
  world.disconnect(self, third);
  const { end, outcome } = await write(world, self, { w: 3 });
  assert.ok(await end() < 250);
  assert.equal(outcome.error, undefined);
  const [keeper, spare] = others as [string, string];
  const [kept] = [...world.node(keeper).handOff.kept()];
  assert.ok(kept!.lacking.includes(third));
  assert.deepEqual(world.node(spare).asked, []);
});

Deno.test("a slow owner gets a stand-in after 250 ms, and the write does not wait for it", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  world.trouble(third).serving = () => NEVER;
  const { end, outcome } = await write(world, self, { w: 3 });
  await world.time.pass(240);
  assert.ok(!outcome.isSettled && world.node(others[0]!).asked.length === 0);
  const tookMs = await end();
  assert.ok(tookMs >= 250 && tookMs < 350, `${tookMs}`);
  assert.equal(outcome.error, undefined);
  assert.deepEqual(await holders(world), [self, second, others[0]!].sort());
});

Deno.test("an owner that takes far longer than it mostly does gets a stand-in sooner", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  const { writes } = world.node(self).rpc.hedging;
  for (const owner of [second, third]) for (let i = 0; i < 20; i++) writes.learn(owner, 40);
  world.trouble(third).serving = () => NEVER;
  const { end } = await write(world, self, { w: 3 });
  const tookMs = await end();
  assert.ok(tookMs >= 80 && tookMs < 130, `${tookMs}`);
  assert.deepEqual(await holders(world), [self, second, others[0]!].sort());
  assert.equal(writes.count, 1);
});

Deno.test("an owner that does not answer at present gets its stand-in at once, and is asked all the same", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  const { rpc } = world.node(self);
  world.mute.add(third);
  await (await write(world, self, { w: 3, isStrict: true, timeoutMs: 1_000 })).end();
  assert.ok(rpc.isAvoided(third) && !rpc.isAvoided(second));
  const sent: string[] = [];
  world.tap = (_from, to) => void sent.push(to);
  const { end, outcome } = await write(world, self, { w: 3 });
  assert.ok(await end() < 50);
  assert.equal(outcome.error, undefined);
  assert.ok(sent.includes(third) && sent.includes(others[0]!));
});

Deno.test("a slot counts once though its owner and its stand-in both acknowledge", async () => {
  const { world, self, second, third } = await worldOf(4);
  const gates = { [second]: Promise.withResolvers<void>(), [third]: Promise.withResolvers<void>() };
  for (const owner of [second, third]) world.trouble(owner).serving = () => gates[owner]!.promise;
  const { end, outcome } = await write(world, self, { w: 3 });
  await world.time.pass(500);
  assert.deepEqual((await holders(world)).length, 2, "this node, and the only stand-in");
  gates[second]!.resolve();
  await world.time.pass(500);
  assert.equal((await holders(world)).length, 3);
  assert.ok(!outcome.isSettled, "three disks have it, and two slots");
  gates[third]!.resolve();
  await end();
  assert.equal(outcome.error, undefined);
});

Deno.test("an owner that refuses gets a stand-in at once, and the layout that it names is heard", async () => {
  const { world, self, third, others } = await worldOf(5);
  world.trouble(third).serving = () => {
    throw new DenamoError("wrong_layout", "no", "It has another layout", { layoutId: "1-x" });
  };
  const { end, outcome } = await write(world, self, { w: 3 });
  assert.ok(await end() < 250);
  assert.equal(outcome.error, undefined);
  assert.deepEqual(world.node(others[0]!).asked, ["store"]);
  assert.deepEqual(world.heard, ["1-x"]);
});

Deno.test("a fallback that has no room left refuses, and the write goes on through the next", async () => {
  const { world, self, third, others } = await worldOf(5, { hintBytes: 1 });
  const [full, next] = others as [string, string];
  const [other] = world.keysWhere((key) => world.othersOf(key).includes(full), 1);
  const [owner] = world.ownersOf(other!) as [string];
  const object = await world.write(owner, other!, "fills it");
  await world.node(full).handOff.keep(owner, world.partitionOf(other!), utf8(other!), object);
  world.disconnect(self, third);
  const { end, outcome } = await write(world, self, { w: 3 });
  assert.ok(await end() < 250);
  assert.equal(outcome.error, undefined);
  assert.deepEqual(await world.textsOf(full, KEY), []);
  assert.deepEqual(await world.textsOf(next, KEY), ["milk"]);
  assert.equal(world.node(full).handOff.counts.keys, 1);
});

Deno.test("for an owner that has been away for too long nobody is asked to stand in, and the error says why", async () => {
  const { world, self, third, others } = await worldOf(5);
  world.isolate(third);
  world.awayMs.set(`${self} ${third}`, HINT_WINDOW_MS + 120_000);
  const round = roundOf(world, self, { w: 3 });
  assert.ok(!round.canReach(3));
  const cause = `${third} has been away for 62 min: nothing more is kept for it after 60 min`;
  const refusal = round.refusal();
  assert.deepEqual([refusal.outcome, refusal.causes], ["no", [cause]]);
  const { end, outcome } = await write(world, self, { w: 2 });
  await end();
  assert.equal(outcome.error, undefined, "two owners have it");
  const all = await write(world, self, { w: 3 });
  assert.ok(await all.end() < 50);
  assert.deepEqual((all.outcome.error as QuorumError).causes, [cause]);
  await world.time.pass(1_000);
  assert.deepEqual(others.flatMap((other) => world.node(other).asked), []);
});

Deno.test("what keeps out one owner keeps out no other: fallbacks stand in for who has just gone", async () => {
  const { world, self, second, third } = await worldOf(5);
  world.isolate(second);
  world.isolate(third);
  world.awayMs.set(`${self} ${third}`, HINT_WINDOW_MS + 1);
  assert.ok(roundOf(world, self).canReach(2) && !roundOf(world, self).canReach(3));
  const { end, outcome } = await write(world, self, { w: 2 });
  await end();
  assert.equal(outcome.error, undefined);
  assert.equal((await holders(world)).length, 2);
});

Deno.test("a fallback that knows an owner to be away for too long speaks for the others, unless it alone has lost it", async () => {
  for (const isDown of [true, false]) {
    const { world, self, third, others } = await worldOf(5);
    const [first, next] = others as [string, string];
    world.isolate(third);
    if (isDown) world.down.add(third);
    world.awayMs.set(`${first} ${third}`, HINT_WINDOW_MS + 1);
    const { end, outcome } = await write(world, self, { w: 3 });
    assert.ok(await end() < 50);
    assert.deepEqual(world.node(first).asked, ["store"]);
    assert.deepEqual(await world.textsOf(first, KEY), []);
    assert.deepEqual(world.node(next).asked, isDown ? [] : ["store"]);
    assert.equal(outcome.error === undefined, !isDown);
    if (isDown) {
      assert.match(String(outcome.error), new RegExp(`${third} has been away for 60 min`));
    }
    assert.ok(!world.node(self).rpc.isAvoided(first), "the fallback is well");
  }
});

Deno.test("a strict write asks no stand-in and says which owners are missing", async () => {
  const { world, self, second, third } = await worldOf(5);
  world.disconnect(self, third);
  world.trouble(second).serving = () => NEVER;
  const { end, outcome } = await write(world, self, { w: 2, isStrict: true, timeoutMs: 1_000 });
  assert.ok(await end() >= 1_000);
  assert.ok(outcome.error instanceof QuorumError && outcome.error.outcome === "unknown");
  assert.deepEqual(
    outcome.error.causes.toSorted(),
    [
      `${second} has not answered in time`,
      `${third} is not connected`,
    ].sort(),
  );
  assert.equal(outcome.error.got, 1);
  assert.deepEqual(await holders(world), [self]);
});

Deno.test("a write that cannot reach enough slots is refused before it begins", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  world.disconnect(self, second);
  world.disconnect(self, third);
  assert.ok(roundOf(world, self, { w: 3 }).canReach(3));
  world.connectAll(self);
  assert.ok(!roundOf(world, self, { w: 3 }).canReach(4), "there are three slots");
  world.disconnect(self, second);
  world.disconnect(self, third);
  const strict = roundOf(world, self, { w: 2, isStrict: true });
  assert.ok(!strict.canReach(2) && strict.canReach(1));
  const error = strict.refusal();
  assert.equal(error.outcome, "no");
  assert.deepEqual(error.causes, [`${second} is not connected`, `${third} is not connected`]);
  for (const other of others) world.disconnect(self, other);
  assert.ok(!roundOf(world, self).canReach(2));
});

Deno.test("a node that is no owner is one of those that stand in", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  const [keeper, other] = others as [string, string];
  for (const owner of [self, second, third]) world.disconnect(keeper, owner);
  const { end, outcome } = await write(world, keeper, { w: 2 });
  await end();
  assert.equal(outcome.error, undefined);
  assert.deepEqual(await holders(world), [keeper, other].sort());
  assert.ok(!roundOf(world, keeper).canReach(3), "two disks are not three");
});

Deno.test("when the own disk fails a stand-in takes its place", async () => {
  const { world, self, second, third, others } = await worldOf(4);
  world.trouble(self).disk = ({ kind }) => {
    if (kind === "commit") throw new Error("disk full");
  };
  const { end, outcome } = await write(world, self, { w: 3 });
  await end();
  assert.equal(outcome.error, undefined);
  assert.deepEqual(await holders(world), [second, third, others[0]!].sort());
});

Deno.test("an owner that fails after the write has ended gets a stand-in nevertheless", async () => {
  const { world, self, third, others } = await worldOf(4);
  const gate = Promise.withResolvers<void>();
  world.trouble(third).serving = async () => {
    await gate.promise;
    throw new OverloadedError("The disk", 1);
  };
  const { end } = await write(world, self, { w: 2 });
  await end();
  assert.deepEqual(world.node(others[0]!).asked, []);
  gate.resolve();
  await world.time.until(() => world.node(others[0]!).asked.length > 0, "a stand-in is asked");
  await world.time.pass(10);
  assert.deepEqual(await world.textsOf(others[0]!, KEY), ["milk"]);
});

Deno.test("an owner that fails after its stand-in has acknowledged needs no other", async () => {
  const { world, self, third, others } = await worldOf(5);
  const gate = Promise.withResolvers<void>();
  world.trouble(third).serving = async () => {
    await gate.promise;
    throw new OverloadedError("The disk", 1);
  };
  const { end, outcome } = await write(world, self, { w: 3 });
  await end();
  gate.resolve();
  await world.time.pass(100);
  assert.equal(outcome.error, undefined);
  assert.deepEqual(world.node(others[1]!).asked, []);
});

Deno.test("whatever the others do, a write ends in time, and only when so many disks have it", async () => {
  const deeds = fc.constantFrom("takes it", "refuses", "is silent", "is slow", "is cut off");
  await fc.assert(
    fc.asyncProperty(
      fc.array(deeds, { minLength: 5, maxLength: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (all, w, isStrict) => {
        const { world, self, others } = await worldOf(6);
        const owners = world.ownersOf(KEY);
        const rest = [...owners.slice(1), ...others];
        for (const [i, name] of rest.entries()) {
          const deed = all[i];
          if (deed === "is cut off") world.disconnect(self, name);
          world.trouble(name).serving = () => {
            if (deed === "refuses") throw new OverloadedError("It", 1);
            if (deed === "is silent") return NEVER;
            if (deed !== "is slow") return undefined;
            return new Promise((resolve) => world.time.after(400, resolve));
          };
        }
        const { end, outcome } = await write(world, self, { w, isStrict, timeoutMs: 1_000 });
        assert.ok(await end() <= 1_100, "it ends in time");
        const have = await holders(world);
        const good = owners.filter((name) => {
          const deed = all[rest.indexOf(name)];
          return name === self || deed === "takes it" || deed === "is slow";
        });
        if (outcome.error === undefined) assert.ok(have.length >= w, "so many disks have it");
        else {
          assert.ok(outcome.error instanceof QuorumError && outcome.error.outcome === "unknown");
          assert.ok(outcome.error.got < w && good.length < w, "too few owners are well");
          const { causes, got } = outcome.error;
          assert.ok(causes.length + got <= owners.length, "every slot counts once");
          assert.ok(owners.length - causes.length < w, "the error names all that it fails for");
          const named = causes.map((cause) => cause.split(" ")[0]!);
          assert.ok(named.every((name) => owners.includes(name)));
        }
        if (isStrict) assert.ok(have.every((name) => owners.includes(name)));
      },
    ),
    { numRuns: 100 },
  );
});
