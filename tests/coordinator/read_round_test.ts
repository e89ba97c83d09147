import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { Quorum } from "../../src/coordinator/quorum.ts";
import { ReadRound } from "../../src/coordinator/read_round.ts";
import { standInsFor } from "../../src/coordinator/stand_ins.ts";
import { digestBytes } from "../../src/replica/copy.ts";
import { DenamoError, OverloadedError, QuorumError } from "../../src/wire/errors.ts";
import { watch } from "../node/layout_world.ts";
import { RepairWorld, textsOf } from "../replica/repair_world.ts";

const KEY = "cart:alice";
const NEVER = new Promise<void>(() => {});

interface HowToRead {
  readonly r?: number;
  readonly isStrict?: boolean;
  readonly timeoutMs?: number;
  readonly needsWitness?: boolean;
}

async function worldOf(nodeCount: number) {
  const names = Array.from({ length: nodeCount }, (_, i) => `n${i + 1}`);
  const world = await RepairWorld.of({ names });
  const [self, second, third] = world.ownersOf(KEY) as [string, string, string];
  const object = await world.write(self, KEY, "milk");
  return { world, self, second, third, object, others: world.othersOf(KEY) };
}

/** Begins a read at a node, which compares with what it holds if it is an owner. */
async function read(world: RepairWorld, name: string, how: HowToRead = {}) {
  const { needsWitness = false, r = 2, isStrict = false, timeoutMs = 2_000 } = how;
  const { cluster, deadlines } = world.node(name);
  const owners = world.ownersOf(KEY);
  const partition = world.partitionOf(KEY);
  const quorum = new Quorum("read", utf8(KEY), r, owners.length);
  const isOwner = owners.includes(name);
  if (isOwner) quorum.succeed();
  const findStandIns = () => isStrict ? [] : standInsFor(cluster, partition, owners);
  const round = new ReadRound(cluster, deadlines, quorum, owners, findStandIns);
  const digest = isOwner ? digestBytes(await world.read(name, KEY)) : undefined;
  const beganAtMs = world.time.nowMs;
  const running = round.run({ partition, key: utf8(KEY), digest, timeoutMs, needsWitness });
  const outcome = watch(running);
  return {
    outcome,
    end: async () => {
      await world.time.until(() => outcome.isSettled, "the end of the read");
      return world.time.nowMs - beganAtMs;
    },
    answers: async () =>
      (await world.settle(running)).map(({ node, isOwner, object }) => ({
        node,
        isOwner,
        texts: object && textsOf(object),
      })),
  };
}

Deno.test("as many owners as needed are asked and answer with what they hold, if it differs", async () => {
  const { world, self, second, third, object } = await worldOf(5);
  await world.give(second, KEY, object);
  await world.give(third, KEY, object);
  const { answers } = await read(world, self);
  const [answer, ...none] = await answers();
  assert.deepEqual(none, []);
  assert.equal(answer!.texts, undefined, "it is the same");
  assert.equal([...world.node(second).asked, ...world.node(third).asked].length, 1);

  await world.write(answer!.node, KEY, "bread");
  const again = await read(world, self, { r: 3 });
  const texts = new Map((await again.answers()).map(({ node, texts }) => [node, texts]));
  assert.deepEqual(texts.get(answer!.node), ["bread"]);
  assert.equal(texts.get(answer!.node === second ? third : second), undefined);
});

Deno.test("where an owner fails the next one is asked at once", async () => {
  const { world, self, second, third } = await worldOf(5);
  world.trouble(second).serving = () => {
    throw new DenamoError("wrong_layout", "no", "It has another layout", { layoutId: "1-x" });
  };
  const { end, answers } = await read(world, self);
  assert.ok(await end() < 250);
  assert.deepEqual((await answers()).map(({ node }) => node), [third]);
  assert.deepEqual(world.heard, ["1-x"]);
});

Deno.test("an owner that does not answer soon is not waited for", async () => {
  const { world, self, second, third } = await worldOf(5);
  world.trouble(second).serving = () => NEVER;
  const { end, answers } = await read(world, self);
  const tookMs = await end();
  assert.ok(tookMs >= 250 && tookMs < 350, `${tookMs}`);
  assert.deepEqual((await answers()).map(({ node }) => node), [third]);
});

Deno.test("who takes longer than it mostly does is not waited for, and the hedge is counted", async () => {
  const { world, self, second, third } = await worldOf(5);
  const { reads } = world.node(self).rpc.hedging;
  for (const owner of [second, third]) for (let i = 0; i < 20; i++) reads.learn(owner, 30);
  world.trouble(second).serving = () => NEVER;
  const { end, answers } = await read(world, self);
  const tookMs = await end();
  assert.ok(tookMs >= 30 && tookMs < 80, `${tookMs}`);
  assert.deepEqual((await answers()).map(({ node }) => node), [third]);
  assert.equal(reads.count, 1);
});

Deno.test("where hedges are used up a node is waited for as long as an unknown one", async () => {
  const { world, self, second, third } = await worldOf(5);
  const { reads } = world.node(self).rpc.hedging;
  for (const owner of [second, third]) for (let i = 0; i < 20; i++) reads.learn(owner, 30);
  while (reads.take(30));
  world.trouble(second).serving = () => NEVER;
  const { end } = await read(world, self);
  const tookMs = await end();
  assert.ok(tookMs >= 250 && tookMs < 350, `${tookMs}`);
});

Deno.test("an owner that does not answer at present is asked last, and not waited for", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  const { rpc } = world.node(self);
  world.mute.add(second);
  await (await read(world, self, { r: 3, isStrict: true, timeoutMs: 1_000 })).end();
  assert.ok(rpc.isAvoided(second) && !rpc.isAvoided(third));
  const { end, answers } = await read(world, self);
  assert.ok(await end() < 10);
  assert.deepEqual((await answers()).map(({ node }) => node), [third]);
  const all = await read(world, self, { r: 3 });
  assert.ok(await all.end() < 10);
  assert.deepEqual((await all.answers()).map(({ node }) => node).sort(), [third, others[0]].sort());
  world.mute.delete(second);
  await world.time.until(() => !rpc.isAvoided(second), "it is back", 3_000);
});

Deno.test("if too few owners can be asked their stand-ins answer with what they keep", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  for (const owner of [second, third]) world.disconnect(self, owner);
  const [keeper, empty] = others as [string, string];
  await world.write(keeper, KEY, "bread");
  const { end, answers } = await read(world, self, { r: 3 });
  assert.ok(await end() < 250);
  assert.deepEqual(await answers(), [
    { node: keeper, isOwner: false, texts: ["bread"] },
    { node: empty, isOwner: false, texts: [] },
  ]);
});

Deno.test("a slot counts once though its owner and its stand-in both answer", async () => {
  const { world, self, second, third, others } = await worldOf(4);
  const gates = { [second]: Promise.withResolvers<void>(), [third]: Promise.withResolvers<void>() };
  for (const owner of [second, third]) world.trouble(owner).serving = () => gates[owner]!.promise;
  const { answers, outcome } = await read(world, self, { r: 3 });
  await world.time.pass(300);
  assert.deepEqual(world.node(others[0]!).asked, ["read"], "it stands in for one of the two");
  const [slow, slower] = world.ownersOf(KEY).slice(1) as [string, string];
  gates[slow]!.resolve();
  await world.time.pass(300);
  assert.ok(!outcome.isSettled, "two have answered for one slot");
  gates[slower]!.resolve();
  assert.deepEqual((await answers()).map(({ node }) => node), [others[0], slow, slower]);
});

Deno.test("where a stand-in fails another one takes its place", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  for (const owner of [second, third]) world.disconnect(self, owner);
  world.trouble(others[0]!).serving = () => {
    throw new OverloadedError("It", 1);
  };
  const { end, answers } = await read(world, self, { r: 2 });
  assert.ok(await end() < 250);
  assert.deepEqual((await answers()).map(({ node }) => node), [others[1]]);
});

Deno.test("the slot of a stand-in that has failed is open for another", async () => {
  const { world, self, second, third, others } = await worldOf(6);
  for (const owner of [second, third]) world.disconnect(self, owner);
  for (const name of others.slice(0, 2)) {
    world.trouble(name!).serving = () => {
      throw new OverloadedError("It", 1);
    };
  }
  const { end, outcome } = await read(world, self, { r: 2 });
  assert.ok(await end() < 250);
  assert.equal(outcome.error, undefined);
  assert.deepEqual(world.node(others[2]!).asked, ["read"]);
});

Deno.test("a strict read asks no stand-in and says which owners are missing", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  world.disconnect(self, third);
  world.trouble(second).serving = () => NEVER;
  const { end, outcome } = await read(world, self, { isStrict: true, timeoutMs: 1_000 });
  assert.ok(await end() >= 1_000);
  assert.ok(outcome.error instanceof QuorumError && outcome.error.outcome === "no");
  assert.deepEqual(
    outcome.error.causes,
    [
      `${second} has not answered in time`,
      `${third} is not connected`,
    ].sort((a) => a.startsWith(world.ownersOf(KEY)[1]!) ? -1 : 1),
  );
  for (const other of others) assert.deepEqual(world.node(other).asked, []);
});

Deno.test("a strict read of too few owners fails at once, and asks nobody", async () => {
  const { world, self, second, third } = await worldOf(5);
  world.disconnect(self, third);
  const { end, outcome } = await read(world, self, { r: 3, isStrict: true });
  assert.equal(await end(), 0);
  assert.ok(outcome.error instanceof QuorumError);
  assert.match(outcome.error.message, new RegExp(`${third} is not connected`));
  assert.deepEqual(world.node(second).asked, []);
});

Deno.test("a node that is no owner counts itself among the stand-ins, in its turn", async () => {
  const { world, self, second, third, others } = await worldOf(5);
  const [keeper, other] = others as [string, string];
  for (const owner of [self, second, third]) world.disconnect(keeper, owner);
  const { answers } = await read(world, keeper);
  assert.deepEqual((await answers()).map(({ node }) => node), [other], "two slots, one message");
});

/** Six nodes; `entry` owns nothing of the key, and neither do the two that stand in beside it. */
async function worldOfStandIns() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4", "n5", "n6"] });
  const [entry, ...standIns] = world.othersOf(KEY) as [string, string, string];
  const owners = world.ownersOf(KEY) as [string, string, string];
  return { world, entry, owners, standIns };
}

Deno.test("stand-ins that hold nothing are no answer, and all of them are asked", async () => {
  const { world, entry, owners, standIns } = await worldOfStandIns();
  for (const owner of owners) world.disconnect(entry, owner);
  const { end, outcome } = await read(world, entry, { r: 1, needsWitness: true });
  assert.ok(await end() < 250);
  assert.ok(outcome.error instanceof QuorumError && outcome.error.outcome === "no");
  assert.match(outcome.error.message, /an owner of "cart:alice", of which others hold nothing/);
  assert.deepEqual(outcome.error.causes, owners.map((owner) => `${owner} is not connected`));
  for (const name of standIns) assert.deepEqual(world.node(name).asked, ["read"]);
});

Deno.test("what a stand-in holds is found though enough others hold nothing", async () => {
  const { world, entry, owners, standIns } = await worldOfStandIns();
  for (const owner of owners) world.disconnect(entry, owner);
  await world.write(standIns[1]!, KEY, "milk");
  const { end, answers } = await read(world, entry, { r: 1, needsWitness: true });
  assert.ok(await end() < 250);
  const found = (await answers()).map(({ node, texts }) => [node, texts]);
  assert.deepEqual(found, [[standIns[0], []], [standIns[1], ["milk"]]]);
});

Deno.test("an owner that is slow is waited for where stand-ins hold nothing, one that hangs is not", async () => {
  const { world, entry, owners } = await worldOfStandIns();
  const [slow, ...cut] = owners;
  for (const owner of cut) world.disconnect(entry, owner);
  world.trouble(slow).serving = () => new Promise((resolve) => world.time.after(900, resolve));
  const { answers, end } = await read(world, entry, { r: 1, needsWitness: true });
  const tookMs = await end();
  assert.ok(tookMs >= 900 && tookMs < 1_000, `${tookMs}`);
  assert.equal((await answers()).at(-1)!.node, slow);

  world.mute.add(slow);
  const hanging = await read(world, entry, { r: 1, needsWitness: true });
  assert.ok(await hanging.end() < 1_500, "it is avoided after some tenths of a second");
  assert.ok(hanging.outcome.error instanceof QuorumError);
  assert.deepEqual(hanging.outcome.error.causes.filter((it) => it.startsWith(slow)), [
    `${slow} has not answered in time`,
  ]);
});

Deno.test("whatever the others do, a read ends in time and counts nobody twice", async () => {
  const deeds = fc.constantFrom("answers", "refuses", "is silent", "is slow", "is cut off");
  await fc.assert(
    fc.asyncProperty(
      fc.array(deeds, { minLength: 5, maxLength: 5 }),
      fc.integer({ min: 2, max: 3 }),
      fc.boolean(),
      async (all, r, isStrict) => {
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
            return new Promise((resolve) => world.time.after(300, resolve));
          };
        }
        const { end, outcome, answers } = await read(world, self, {
          r,
          isStrict,
          timeoutMs: 1_500,
        });
        assert.ok(await end() <= 1_600, "it ends in time");
        const isGood = (name: string) => ["answers", "is slow"].includes(all[rest.indexOf(name)]!);
        const good = owners.slice(1).filter(isGood).length;
        if (outcome.error === undefined) {
          const nodes = (await answers()).map(({ node }) => node);
          assert.equal(new Set(nodes).size, nodes.length);
          assert.ok(nodes.every(isGood) && nodes.length >= r - 1);
          if (isStrict) assert.ok(nodes.every((name) => owners.includes(name)));
        } else {
          assert.ok(outcome.error instanceof QuorumError && outcome.error.outcome === "no");
          assert.ok(good < r - 1, "too few owners are well");
          const { causes, got } = outcome.error;
          assert.ok(causes.length > 0 && causes.length + got <= owners.length);
        }
      },
    ),
    { numRuns: 100 },
  );
});
