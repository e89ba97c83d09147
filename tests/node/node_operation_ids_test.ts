// Operations with ids on whole nodes: tried again through other nodes, and forgotten in the end.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { values } from "../../src/crdt/values.ts";
import type { NestedOperation, OperationId } from "../../src/node/api.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { NodeWorld } from "./node_world.ts";

const KEY = utf8("visits");

function add(amount: number, id?: OperationId): NestedOperation {
  return { type: "counter", operation: { kind: "add", amount, id } };
}

function idAt(world: NodeWorld, number: number, triedMs = 60_000): OperationId {
  return { session: "s", number, untilMs: world.node("n1").nowMs() + triedMs };
}

async function valueOf(world: NodeWorld): Promise<bigint | undefined> {
  const read = world.node("n1").get(KEY, { r: "all" });
  return (await world.ended(read)).merged.valueOf("counter");
}

Deno.test("an operation that is tried through every node counts once", async () => {
  await using world = await NodeWorld.of(5);
  const id = idAt(world, 1);
  const tries = world.names.map((name) => world.node(name).update(KEY, [add(5, id)]));
  const answers = await world.ended(Promise.all(tries));
  assert.deepEqual(answers.map(({ results }) => results[0]!.count), Array(5).fill(5n));
  await world.ended(world.node("n2").update(KEY, [add(5, { ...id, number: 2 })]));
  assert.equal(await valueOf(world), 10n);
});

Deno.test("a node hands an operation with an id to the next owner when it loses the first, and no other", async () => {
  await using world = await NodeWorld.of(5);
  const { owners } = world.node("n1").placement(KEY)!;
  const entry = world.names.find((name) => !owners.includes(name))!;
  const outcomes = { ok: 0, no: 0, unknown: 0 };
  /** Loses the connection to an owner while a request may be there. */
  const addBeside = async (owner: string, afterMs: number, id: OperationId | undefined) => {
    const adding = world.ended(world.node(entry).update(KEY, [add(1, id)]));
    world.time.after(afterMs, () => world.breakConnection(entry, owner));
    try {
      await adding;
      outcomes.ok++;
    } catch (error) {
      assert.ok(error instanceof DenamoError);
      outcomes[error.outcome]++;
    }
    await world.whenReady();
  };
  for (const name of owners) world.delaysMs.set(name, 10);
  const moments = owners.flatMap((owner) => [11, 15, 25, 35, 45].map((ms) => ({ owner, ms })));
  for (const { ms, owner } of moments) await addBeside(owner, ms, undefined);
  assert.ok(outcomes.unknown > 0 && outcomes.no === 0, JSON.stringify(outcomes));
  const before = await valueOf(world);
  const unknownCount = outcomes.unknown;
  for (const [i, { ms, owner }] of moments.entries()) await addBeside(owner, ms, idAt(world, i));
  assert.equal(outcomes.unknown, unknownCount);
  assert.equal(await valueOf(world), before! + BigInt(moments.length));
});

Deno.test("an operation that the first owner may have done is unknown, though all others cannot be asked", async () => {
  await using world = await NodeWorld.of(5);
  const { owners } = world.node("n1").placement(KEY)!;
  const entry = world.names.find((name) => !owners.includes(name))!;
  for (const name of owners) world.delaysMs.set(name, 10);
  const options = { strict: true, timeoutMs: 2_000 };
  const adding = world.ended(world.node(entry).update(KEY, [add(1, idAt(world, 1))], options));
  world.time.after(15, () => {
    for (const owner of owners) {
      world.cut(entry, owner);
      world.breakConnection(entry, owner);
    }
  });
  await assert.rejects(adding, { outcome: "unknown" });
  for (const owner of owners) world.heal(entry, owner);
  await world.whenReady();
  assert.equal(await valueOf(world), 1n);
});

Deno.test("a counter that is never at rest forgets the ids whose time is over, at every owner", async () => {
  const forgetAfterMs = 2_000;
  await using world = await NodeWorld.of(3, { forgetAfterMs });
  const triedMs = 1_000;
  const idCounts = () =>
    world.names.map((name) => {
      const { partition } = world.node(name).placement(KEY)!;
      return values.stats(world.image(name).heldOf(partition, KEY).values).elements;
    });
  const first = idAt(world, 0, triedMs);
  await world.ended(world.node("n1").update(KEY, [add(1, first)]));
  let most = 0;
  for (let number = 1; number < 1_000; number++) {
    const id = idAt(world, number, triedMs);
    const name = world.names[number % 3]!;
    await world.ended(world.node(name).update(KEY, [add(1, id)]));
    if (number % 3 === 0) await world.ended(world.node("n2").update(KEY, [add(1, id)]));
    await world.time.pass(20);
    most = Math.max(most, ...idCounts());
  }
  assert.equal(await valueOf(world), 1_000n);
  assert.ok(most < 500, `${most} ids at once`);
  const isLate = { code: "too_late", outcome: "no" };
  for (const name of world.names) {
    await assert.rejects(world.ended(world.node(name).update(KEY, [add(1, first)])), isLate);
  }
  assert.equal(await valueOf(world), 1_000n);
});

Deno.test("numbers that no message can hold are refused at once", async () => {
  await using world = await NodeWorld.of(3);
  const id = idAt(world, 1);
  const wrong = [
    add(Infinity),
    add(0.5),
    add(1, { ...id, number: Infinity }),
    add(1, { ...id, untilMs: NaN }),
    { type: "map", operation: { kind: "update", key: KEY, nested: add(1, { ...id, number: -1 }) } },
  ] as const;
  for (const operation of wrong) {
    const update = world.node("n1").update(KEY, [operation]);
    await assert.rejects(world.ended(update), { code: "bad_request", outcome: "no" });
  }
});
