// What a peer answers may make no sense: that is a failure of one peer, or of one key, and of nothing else.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { type Method, METHODS } from "../../src/wire/message_codec.ts";
import { deletedAtAll, floorsAt, keysBeside, lookedWorld, putAt } from "./floor_world.ts";
import type { RepairWorld } from "./repair_world.ts";

const KEY = "cart:alice";
const TWO = { names: ["n1", "n2"] } as const;

/** Lets a node answer one method with these, whatever it is asked. */
function answers(world: RepairWorld, name: string, method: Method, answer: readonly unknown[]) {
  world.node(name).rpc.serve(method, () => answer);
}

function compare(world: RepairWorld, from: string, to: string) {
  return world.settle(world.node(from).antiEntropy.compareWith(to));
}

Deno.test("an object that makes no sense is skipped, and the other keys of its partition are compared", async () => {
  const world = await lookedWorld(TWO);
  const others = keysBeside(world, KEY, 5);
  for (const key of [KEY, ...others]) await putAt(world, "n2", key, "there");
  const service = world.node("n2");
  service.rpc.serve(METHODS.read, async ({ arguments: [, partition, key] }) => {
    const held = await service.replica.read(partition as number, key as Uint8Array);
    const isBad = new TextDecoder().decode(key as Uint8Array) === KEY;
    return [isBad ? utf8("no object") : held.encoded()];
  });
  await compare(world, "n1", "n2");
  for (const key of others) assert.deepEqual(await world.textsOf("n1", key), ["there"]);
  assert.deepEqual(await world.textsOf("n1", KEY), []);
});

for (
  const [method, answer] of [
    ["roots", [7]],
    ["roots", [new Uint8Array(8), [1, 2, 3, "x"]]],
    ["leaves", [null]],
    ["leaves", ["leaves"]],
    ["entries", [[null]]],
    ["entries", [["key"]]],
    ["entries", [[[new Uint8Array(1), new Uint8Array(3)]]]],
    ["entries", [Array.from({ length: 512 }, () => [new Uint8Array(1), new Uint8Array(8)])]],
  ] as const
) {
  Deno.test(`${method} answered with ${JSON.stringify(answer).slice(0, 40)} end a comparison as a refusal does`, async () => {
    const world = await lookedWorld(TWO);
    await putAt(world, "n2", KEY, "there");
    answers(world, "n2", METHODS[method], answer);
    await assert.rejects(compare(world, "n1", "n2"), { code: "malformed", outcome: "unknown" });
  });
}

for (const method of ["promiseFloor", "keptBelow", "fence"] as const) {
  Deno.test(`nothing is forgotten, and no round breaks off by mistake, if ${method} is answered with nonsense`, async () => {
    const world = await lookedWorld(TWO);
    await deletedAtAll(world, KEY);
    const [first, second] = world.ownersOf(KEY) as [string, string];
    answers(world, second, METHODS[method], [["x", { a: 1 }]]);
    const round = world.node(first).floorRounds.run().catch(({ code }) => code);
    // A member that has no answer ends the round, an owner without one has no part in it.
    assert.equal(await world.settle(round), method === "fence" ? 0 : "malformed");
    assert.deepEqual(floorsAt(world, KEY, [first, second]), [0, 0]);
  });
}
