import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { isTooLongAway } from "../../src/replica/hint_window.ts";
import { DenamoError, OverloadedError } from "../../src/wire/errors.ts";
import {
  HINT_WINDOW_MS,
  type RepairNode,
  RepairWorld,
  type WorldSettings,
} from "./repair_world.ts";

const FIVE = ["n1", "n2", "n3", "n4", "n5"];
const KEY = "cart:alice";

/** A world of five nodes, and of one key its owners and one that may stand in for them. */
async function fiveNodes(settings: Partial<WorldSettings> = {}) {
  const world = await RepairWorld.of({ names: FIVE, ...settings });
  const [first, second, third] = world.ownersOf(KEY) as [string, string, string];
  const keeper = world.othersOf(KEY)[0]!;
  return { world, first, second, third, keeper };
}

/** Keeps what a node holds of a key at another one that does not own it. */
async function keep(world: RepairWorld, keeper: string, key: string, from: string): Promise<void> {
  const object = await world.read(from, key);
  const owner = world.ownersOf(key).at(-1)!;
  await world.node(keeper).handOff.keep(owner, world.partitionOf(key), utf8(key), object);
}

function lackingAt({ handOff }: RepairNode): (readonly string[])[] {
  return [...handOff.kept()].map(({ lacking }) => lacking);
}

Deno.test("what is kept for an owner is handed over when it can be reached, and dropped when all have it", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  world.isolate(third);
  await world.give(second, KEY, await world.write(first, KEY, "milk"));
  await keep(world, keeper, KEY, first);
  const { handOff } = world.node(keeper);
  assert.equal(handOff.counts.keys, 1);
  handOff.start();
  await world.time.pass(5_000);
  assert.deepEqual(await world.textsOf(keeper, KEY), ["milk"], "one owner lacks it still");
  assert.deepEqual(lackingAt(world.node(keeper)), [[third]]);

  world.connectAll(third);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"]);
  assert.ok((await world.read(keeper, KEY)).isEmpty);
  assert.deepEqual(handOff.counts, { keys: 0, bytes: 0, handedOver: 1 });
  handOff.stop();
});

Deno.test("what is kept survives a crash of its keeper", async () => {
  const { world, first, third, keeper } = await fiveNodes();
  world.isolate(third);
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  const { handOff } = await world.restart(keeper);
  world.disconnect(keeper, third);
  assert.ok(!handOff.hasLooked);
  handOff.start();
  await world.time.until(() => handOff.hasLooked, "the disk is searched");
  assert.equal(handOff.counts.keys, 1);
  world.connectAll(third);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"]);
  handOff.stop();
});

Deno.test("a search after the start finds what is not ours, by the copies of its namespace, and no more", async () => {
  const { world, first, second } = await fiveNodes({ namespaces: [{ prefix: "one/", n: 1 }] });
  const [alone] = world.keysWhere(
    (key) => {
      const owners = world.placement.owners(world.partitionOf(key));
      return owners[0] === first && owners[1] === second;
    },
    1,
    "one/",
  );
  const ours = world.keysWhere((key) => world.ownersOf(key).includes(second), 70);
  for (const key of ours) await world.write(second, key, "ours");
  const foreign = world.keysWhere((key) => world.othersOf(key).includes(second), 70);
  for (const key of foreign) await world.write(second, key, "of others");
  await world.write(second, alone!, "one owner, and not this one");
  const { handOff } = await world.restart(second);
  for (const name of FIVE) world.disconnect(second, name);
  handOff.start();
  await world.time.until(() => handOff.hasLooked, "the disk is searched");
  assert.equal(handOff.counts.keys, 71);
  const lacking = lackingAt(world.node(second));
  assert.ok(lacking.some((owners) => owners.length === 1 && owners[0] === first));
  assert.equal(lacking.filter((owners) => owners.length === 3).length, 70);
  handOff.stop();
});

Deno.test("a second write while the first waits merges into it and is handed over with it", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  world.isolate(third);
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  const { bytes } = world.node(keeper).handOff.counts;
  await world.write(second, KEY, "bread");
  await keep(world, keeper, KEY, second);
  const { handOff } = world.node(keeper);
  assert.equal(handOff.counts.keys, 1);
  assert.ok(handOff.counts.bytes > 0 && handOff.counts.bytes <= 2 * bytes);
  world.connectAll(third);
  handOff.start();
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  for (const owner of [first, second, third]) {
    assert.deepEqual(await world.textsOf(owner, KEY), ["bread", "milk"]);
  }
  assert.equal(handOff.counts.bytes, 0);
  handOff.stop();
});

Deno.test("a write that comes while the object before it is handed over is not dropped with it", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  await world.write(second, KEY, "bread");
  const gate = Promise.withResolvers<void>();
  let isOpen = false;
  world.trouble(third).serving = () => isOpen ? undefined : gate.promise;
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => world.node(third).asked.includes("store"), "it is on its way");
  await keep(world, keeper, KEY, second);
  isOpen = true;
  gate.resolve();
  await world.time.until(() => handOff.counts.keys === 0, "both are handed over");
  assert.deepEqual(await world.textsOf(third, KEY), ["bread", "milk"]);
  assert.equal(handOff.counts.handedOver, 1, "the first time nothing was dropped");
  handOff.stop();
});

Deno.test("what is kept later is sent to the owners that have everything before it", async () => {
  const { world, first, third, keeper } = await fiveNodes();
  world.isolate(third);
  const isBeside = (key: string) => world.partitionOf(key) === world.partitionOf(KEY);
  const [next] = world.keysWhere(isBeside, 1, "cart:") as [string];
  await world.write(keeper, KEY, "milk");
  await keep(world, keeper, KEY, keeper);
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => lackingAt(world.node(keeper))[0]!.length === 1, "two have it");
  await world.write(keeper, next, "bread");
  await keep(world, keeper, next, keeper);
  assert.equal(lackingAt(world.node(keeper))[1]!.length, 3);
  await world.time.until(() => lackingAt(world.node(keeper))[1]!.length === 1, "two have both");
  assert.deepEqual(await world.textsOf(first, next), ["bread"]);
  handOff.stop();
});

Deno.test("a write that comes while the drop before it is on its way to the disk is kept", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  const gate = Promise.withResolvers<void>();
  world.trouble(keeper).disk = ({ kind }) => kind === "commit" ? gate.promise : undefined;
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.until(async () => (await world.read(keeper, KEY)).isEmpty, "the copy is dropped");
  world.isolate(third);
  const { durable, object } = await world.begin(keeper, KEY, "bread");
  handOff.note(world.partitionOf(KEY), utf8(KEY), object);
  gate.resolve();
  await durable;
  await world.time.until(() => handOff.counts.handedOver === 1, "the drop has ended");
  assert.equal(handOff.counts.keys, 1, "the later write waits for its turn");
  world.connectAll(third);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  for (const owner of [first, second, third]) {
    assert.deepEqual(await world.textsOf(owner, KEY), ["bread", "milk"]);
  }
  handOff.stop();
});

Deno.test("keep() refuses when as much is kept as may be, and takes more when there is room again", async () => {
  const { world, first, third, keeper } = await fiveNodes({ hintBytes: 400 });
  world.isolate(third);
  const keys = world.keysWhere((key) => {
    return world.ownersOf(key).includes(first) && world.othersOf(key).includes(keeper) &&
      world.ownersOf(key).includes(third);
  }, 20);
  const { handOff } = world.node(keeper);
  let refused: string | undefined;
  for (const key of keys) {
    await world.write(first, key, "milk");
    try {
      await keep(world, keeper, key, first);
    } catch (error) {
      assert.ok(error instanceof OverloadedError && error.outcome === "no");
      assert.equal(error.limit, 400);
      refused = key;
      break;
    }
  }
  assert.ok(refused !== undefined && handOff.counts.bytes >= 400);
  assert.ok((await world.read(keeper, refused)).isEmpty, "what is refused leaves nothing");
  world.connectAll(third);
  handOff.start();
  await world.time.until(() => handOff.counts.keys === 0, "there is room");
  await keep(world, keeper, refused, first);
  handOff.stop();
});

Deno.test("keep() refuses for an owner that has been away for too long; what is kept already waits for it", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  world.isolate(third);
  await world.give(second, KEY, await world.write(first, KEY, "milk"));
  await keep(world, keeper, KEY, first);
  const { handOff } = world.node(keeper);
  world.awayMs.set(`${keeper} ${third}`, HINT_WINDOW_MS + 1);
  const partition = world.partitionOf(KEY);
  const later = await world.write(first, KEY, "bread");
  await assert.rejects(handOff.keep(third, partition, utf8(KEY), later), (error) => {
    assert.ok(error instanceof DenamoError && isTooLongAway(error) && error.outcome === "no");
    assert.deepEqual(error.details, {
      owner: third,
      awayMs: HINT_WINDOW_MS + 1,
      windowMs: HINT_WINDOW_MS,
    });
    return true;
  });
  handOff.start();
  await world.time.pass(5_000);
  assert.deepEqual(await world.textsOf(keeper, KEY), ["milk"]);
  await handOff.keep(second, partition, utf8(KEY), later);

  world.awayMs.clear();
  world.connectAll(third);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  assert.deepEqual(await world.textsOf(third, KEY), ["bread"]);
  handOff.stop();
});

Deno.test("an owner that refuses is tried again until it takes what is kept for it", async () => {
  const { world, first, third, keeper } = await fiveNodes();
  let refusals = 0;
  world.trouble(third).serving = () => {
    if (++refusals <= 3) throw new DenamoError("overloaded", "no", "Too much to do");
  };
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => refusals === 3, "it has refused");
  assert.deepEqual(await world.textsOf(keeper, KEY), ["milk"]);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"]);
  handOff.stop();
});

Deno.test("an owner that is back under another peer id is given everything again", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  world.isolate(third);
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => lackingAt(world.node(keeper))[0]!.length === 1, "two have it");
  world.peers.set(second, `${second} again`);
  assert.deepEqual(lackingAt(world.node(keeper))[0]!.toSorted(), [second, third].sort());
  handOff.stop();
});

Deno.test("a keeper whose disk fails has acknowledged nothing, and hands over what it may have nevertheless", async () => {
  const { world, first, third, keeper } = await fiveNodes();
  await world.write(first, KEY, "milk");
  world.trouble(keeper).disk = ({ kind }) => {
    if (kind === "commit") throw new Error("disk full");
  };
  await assert.rejects(keep(world, keeper, KEY, first), { code: "disk_failed" });
  world.trouble(keeper).disk = () => {};
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => handOff.counts.keys === 0, "it looks at what it has");
  assert.equal(handOff.counts.bytes, 0);
  assert.deepEqual(await world.textsOf(third, KEY), []);
  handOff.stop();
});

Deno.test("a drop that the disk refuses is made later, and nothing is forgotten meanwhile", async () => {
  const { world, first, second, third, keeper } = await fiveNodes();
  await world.write(first, KEY, "milk");
  await keep(world, keeper, KEY, first);
  let failures = 0;
  world.trouble(keeper).disk = ({ kind }) => {
    if (kind === "commit" && ++failures <= 2) throw new Error("disk full");
  };
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => failures === 1, "the first drop has failed");
  assert.equal(handOff.counts.keys, 1);
  await world.time.until(() => handOff.counts.keys === 0, "it is dropped");
  assert.ok((await world.read(keeper, KEY)).isEmpty);
  for (const owner of [first, second, third]) {
    assert.deepEqual(await world.textsOf(owner, KEY), ["milk"]);
  }
  handOff.stop();
});

Deno.test("a kept record that cannot be read holds up no other key", async () => {
  const { world, keeper } = await fiveNodes();
  const keys = world.keysWhere((key) => world.othersOf(key).includes(keeper), 6)
    .sort((a, b) => world.partitionOf(a) - world.partitionOf(b));
  for (const key of keys) {
    const [owner] = world.ownersOf(key);
    await world.write(owner!, key, "milk");
    await keep(world, keeper, key, owner!);
  }
  await world.flush(keeper);
  const [damaged, ...others] = keys;
  const { handOff } = await world.restart(keeper, () => world.damage(keeper, damaged!));
  handOff.note(world.partitionOf(damaged!), utf8(damaged!), await world.read(keeper, others[0]!));
  handOff.start();
  await world.time.until(
    () => handOff.hasLooked && handOff.counts.keys === 1,
    "all others are handed over",
  );
  for (const key of others) assert.ok((await world.read(keeper, key)).isEmpty);
  handOff.stop();
});

Deno.test("what an owner has is not sent to it again while another is waited for, whatever their copies", async () => {
  const { world, first, second, third, keeper } = await fiveNodes({
    namespaces: [{ prefix: "two/", n: 2 }, { prefix: "one/", n: 1 }],
  });
  const partition = world.partitionOf(KEY);
  const isBeside = (key: string) => world.partitionOf(key) === partition;
  const [two] = world.keysWhere(isBeside, 1, "two/");
  const [one] = world.keysWhere(isBeside, 1, "one/");
  for (const key of [KEY, two!, one!]) {
    await world.write(second, key, "milk");
    await keep(world, keeper, key, second);
  }
  world.isolate(first);
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.pass(30_000);
  assert.equal(handOff.counts.keys, 3);
  const { asked } = world.node(second);
  assert.equal(asked.filter((it) => it === "store").length, 2, "one of them is not its own");
  assert.equal(world.node(third).asked.length, 1);
  assert.deepEqual(lackingAt(world.node(keeper)), [[first], [first], [first]]);
  handOff.stop();
});

Deno.test("whatever is written while owners come and go, all owners have it in the end and nobody else", async () => {
  const step = fc.record({
    what: fc.constantFrom("write", "cut", "join", "crash", "wait"),
    who: fc.nat(4),
    key: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const world = await RepairWorld.of({ names: FIVE });
      const keys = world.keysWhere(() => true, 4);
      const written = new Map<string, number>();
      for (const { handOff } of world.nodes.values()) handOff.start();
      for (const [at, { what, who, key }] of steps.entries()) {
        const name = FIVE[who]!;
        if (what === "cut") world.isolate(name);
        else if (what === "join") world.connectAll(name);
        else if (what === "wait") await world.time.pass(700);
        else if (what === "crash") (await world.restart(name)).handOff.start();
        else {
          const text = keys[key]!;
          const object = await world.write(name, text, `v${at}`);
          if (!world.ownersOf(text).includes(name)) {
            world.node(name).handOff.note(world.partitionOf(text), utf8(text), object);
          } else {
            const [keeper] = world.othersOf(text);
            const { handOff } = world.node(keeper!);
            const owner = world.ownersOf(text)[0]!;
            await handOff.keep(owner, world.partitionOf(text), utf8(text), object);
          }
          written.set(text, (written.get(text) ?? 0) + 1);
        }
      }
      for (const name of FIVE) world.connectAll(name);
      await world.time.until(
        () =>
          [...world.nodes.values()].every(({ handOff }) =>
            handOff.hasLooked && handOff.counts.keys === 0
          ),
        "everything is handed over",
      );
      for (const text of written.keys()) {
        const digests = await Promise.all(
          world.ownersOf(text).map(async (owner) => (await world.read(owner, text)).digest()),
        );
        assert.equal(new Set(digests).size, 1);
        for (const other of world.othersOf(text)) {
          assert.ok((await world.read(other, text)).isEmpty, `${other} keeps ${text}`);
        }
      }
      for (const { handOff } of world.nodes.values()) handOff.stop();
    }),
    { numRuns: 30 },
  );
});
