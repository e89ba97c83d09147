import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { type Context, contextOf } from "../../src/causality/context.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { encodeClientAnswer } from "../../src/coordinator/requests.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { RepairWorld, textsOf } from "../replica/repair_world.ts";

const KEY = utf8("cart");
const TIMEOUT_MS = 2_000;

/** Five nodes that coordinate; `entry` owns nothing of the key. */
async function fiveNodes() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4", "n5"] });
  const coordinators = new Map([...world.nodes].map(([name, node]) => {
    const { cluster, deadlines, handOff, log, namespaces, replica } = node;
    const clock = world.time.clock();
    return [
      name,
      new Coordinator(cluster, replica, namespaces, handOff, clock, deadlines, log),
    ];
  }));
  const [first, second, third] = world.ownersOf("cart") as [string, string, string];
  const [entry, other] = world.othersOf("cart") as [string, string];
  const read = async (context: Context | undefined, isStrict = false) => {
    const atLeast = context === undefined ? [] : [context];
    const request = { op: "get", key: KEY, level: "one", strict: isStrict, atLeast } as const;
    const answer = coordinators.get(entry)!.execute(request, TIMEOUT_MS);
    return textsOf((await world.settle(answer)).object!);
  };
  return { world, coordinators, entry, first, second, third, other, read };
}

function seenIn(object: DataObject): Context {
  return contextOf(object.vector());
}

/** What a version does that knows nothing of `atLeast`: it answers with what it holds. */
function answerAtOnce(world: RepairWorld, name: string): void {
  world.node(name).rpc.serve(METHODS.coordinate, async () => {
    const none = () => undefined;
    const object = await world.read(name, "cart");
    return encodeClientAnswer({
      object,
      siblings: 0,
      floor: 0,
      seen: none,
      isShown: false,
      existed: false,
      expiresAtMs: undefined,
      results: [],
    });
  });
}

Deno.test("a read that is forwarded asks for what its client has seen there", async () => {
  const { world, first, second, third, read } = await fiveNodes();
  const object = await world.write(third, "cart", "milk");
  for (const name of [first, second]) assert.ok((await world.read(name, "cart")).isEmpty);
  assert.deepEqual(await read(seenIn(object)), ["milk"]);
});

Deno.test("an owner that answers without regard to that is not believed, and another is asked", async () => {
  const { world, first, second, third, read } = await fiveNodes();
  const object = await world.write(third, "cart", "milk");
  for (const name of [first, second, third]) answerAtOnce(world, name);
  assert.deepEqual(await read(seenIn(object)), ["milk"]);
  const nowhere = contextOf(new Map([["n9~lost", 7]]));
  await assert.rejects(read(nowhere), { code: "stale", outcome: "no" });
});

Deno.test("a node that forwards hears from the owner that nobody has seen enough", async () => {
  const { world, read } = await fiveNodes();
  const beganAtMs = world.time.nowMs;
  const nowhere = contextOf(new Map([["n9~lost", 7]]));
  await assert.rejects(read(nowhere), { code: "stale", details: { lacking: ["n9"] } });
  assert.ok(world.time.nowMs - beganAtMs <= TIMEOUT_MS + 100);
});

Deno.test("a node that stands in for all owners looks for it among those that it can reach", async () => {
  const { world, entry, first, second, third, other, read } = await fiveNodes();
  const object = await world.write(other, "cart", "milk");
  await world.write(entry, "cart", "bread");
  for (const name of [first, second, third]) {
    for (const fallback of [entry, other]) world.disconnect(fallback, name);
  }
  assert.deepEqual(await read(undefined), ["bread"], "it keeps something itself");
  assert.deepEqual(await read(seenIn(object)), ["bread", "milk"]);
});
