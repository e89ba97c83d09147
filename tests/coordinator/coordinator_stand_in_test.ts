// Who coordinates a request whose owners cannot take it, and what is said of a key that none of them is asked about.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { ClientRequest } from "../../src/coordinator/requests.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { RepairWorld, textOf } from "../replica/repair_world.ts";

const FIVE = ["n1", "n2", "n3", "n4", "n5"];
const KEY = "alone/cart";

/** Nodes that coordinate, and a key that only one of them owns. */
async function worldOf(names: readonly string[]) {
  const world = await RepairWorld.of({ names, namespaces: [{ prefix: "alone/", n: 1 }] });
  const coordinators = new Map<string, Coordinator>();
  const coordinate = (name: string) => {
    const { cluster, deadlines, handOff, log, namespaces, replica } = world.node(name);
    const clock = world.time.clock();
    coordinators.set(
      name,
      new Coordinator(cluster, replica, namespaces, handOff, clock, deadlines, log),
    );
  };
  for (const name of names) coordinate(name);
  const put = (name: string, text: string, strict = false) => {
    const putting = coordinators.get(name)!.execute({
      op: "put",
      key: utf8(KEY),
      value: textOf(text),
      level: undefined,
      strict,
      context: undefined,
      expiresAtMs: undefined,
      keepExpiry: false,
    }, 2_000);
    return world.settle(putting);
  };
  const [owner] = world.ownersOf(KEY) as [string];
  /** The owner holds nothing in memory, and what it holds on its disk is in records. */
  const restartOwner = async (meanwhile?: () => void) => {
    await world.flush(owner);
    await world.restart(owner, meanwhile);
    coordinate(owner);
  };
  return { world, coordinators, put, owner, others: world.othersOf(KEY), restartOwner };
}

/** A disk that takes no writes, as its node knows. */
function fill(world: RepairWorld, name: string): void {
  const full = new DenamoError("disk_failed", "no", "No writes are taken: the disk is full");
  world.node(name).replica.writeProblem = () => full;
}

Deno.test("a write whose only owner has a full disk is kept by the next node, also if the owner is asked itself", async () => {
  const { world, put, owner, others } = await worldOf(FIVE);
  await put(owner, "milk");
  fill(world, owner);
  await put(owner, "eggs");
  const [keeper, entry] = others as [string, string];
  assert.deepEqual(await world.textsOf(keeper, KEY), ["eggs"]);
  assert.deepEqual(await world.textsOf(owner, KEY), ["milk"]);
  await put(entry, "tea");
  assert.deepEqual(await world.textsOf(keeper, KEY), ["tea"]);

  world.node(owner).replica.writeProblem = () => undefined;
  const { handOff } = world.node(keeper);
  handOff.start();
  await world.time.until(() => handOff.counts.handedOver === 1, "it is handed over");
  assert.ok((await world.textsOf(owner, KEY)).includes("tea"));
  handOff.stop();
});

Deno.test("a write whose only owner cannot read its disk is kept by the next node", async () => {
  const { world, put, owner, others, restartOwner } = await worldOf(FIVE);
  await put(owner, "milk");
  await restartOwner();
  world.trouble(owner).disk = ({ kind }) => {
    if (kind !== "commit") throw new Error("The disk has failed");
  };
  for (const [entry, text] of [[owner, "eggs"], [others[1]!, "tea"]] as const) {
    await put(entry, text);
    assert.deepEqual(await world.textsOf(others[0]!, KEY), [text]);
  }
});

Deno.test("where nobody may stand in, or nobody is there, the owner says what is wrong with its disk", async () => {
  const full = { code: "disk_failed", outcome: "no", message: /the disk is full/ };
  const { world, put, owner, others } = await worldOf(FIVE);
  fill(world, owner);
  await assert.rejects(put(owner, "milk", true), full);
  assert.deepEqual(others.flatMap((name) => world.node(name).asked), []);
  world.isolate(owner);
  await assert.rejects(put(owner, "milk"), full);

  const alone = await worldOf(["n1"]);
  fill(alone.world, "n1");
  await assert.rejects(alone.put("n1", "milk"), full);
});

Deno.test("nobody stands in for an only owner whose record is damaged: it would look absent", async () => {
  const { world, put, owner, others, restartOwner } = await worldOf(FIVE);
  await put(owner, "milk");
  await restartOwner(() => world.damage(owner, KEY));
  await assert.rejects(put(owner, "eggs"), { code: "corrupt", outcome: "no" });
  const cause = new RegExp(`${owner}: Corrupt data`);
  await assert.rejects(put(others[1]!, "tea"), { code: "quorum", outcome: "no", message: cause });
  for (const name of others) assert.ok((await world.read(name, KEY)).isEmpty);
});

Deno.test("without an owner nothing is said to be absent, and what adds is taken all the same", async () => {
  const { world, coordinators, owner, others } = await worldOf(FIVE);
  for (const name of others) world.disconnect(owner, name);
  const asked = {
    key: utf8(KEY),
    level: undefined,
    strict: undefined,
    context: undefined,
  } as const;
  const execute = (request: ClientRequest) =>
    world.settle(coordinators.get(others[1]!)!.execute(request, 2_000));
  const add = { type: "counter", operation: { kind: "add", amount: 1, id: undefined } } as const;
  const remove = {
    type: "set",
    operation: { kind: "remove", elements: [utf8("milk")], seen: undefined },
  } as const;
  const unseen = { code: "quorum", outcome: "no" };
  const statements: readonly ClientRequest[] = [
    { op: "get", ...asked, atLeast: [] },
    { op: "get", ...asked, atLeast: [{ vector: new Map(), hash: undefined }] },
    { op: "delete", ...asked },
    { op: "expire", ...asked, expiresAtMs: 1 },
    { op: "update", ...asked, operations: [remove] },
  ];
  for (const request of statements) await assert.rejects(execute(request), unseen, request.op);
  await execute({ op: "update", ...asked, operations: [add] });
  const { object } = await execute({ op: "get", ...asked, atLeast: [] });
  assert.ok(object!.isLive(world.time.nowMs), "what stand-ins keep is shown");
});
