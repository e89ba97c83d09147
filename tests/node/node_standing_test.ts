// Who is no member of the layout changes nothing, whatever it asks; the table of standing is walked here.

import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { leftBehind } from "../../src/node/left_behind.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { type MethodName, STANDING } from "../../src/wire/standing.ts";
import { WORLD_BEGIN_MS } from "../sim/virtual_clock.ts";
import { layoutOf } from "./layout_world.ts";
import { NodeWorld } from "./node_world.ts";
import { Stranger } from "./stranger.ts";

const KEYS = ["cart:alice", "cart:bob", "list"];

/** By method, what a stranger would ask to do harm. */
function harmful(layoutId: string, key: string): Record<MethodName, readonly unknown[]> {
  const partition = partitionOf(utf8(key), 256);
  const tombstone = DataObject.empty.write(
    { actor: "x1~stranger", time: MAX_TIME - 1 },
    null,
    undefined,
    undefined,
  ).encoded();
  const invented = layoutOf(["x1"], 1, Number.MAX_SAFE_INTEGER);
  return {
    store: [layoutId, partition, utf8(key), tombstone],
    storeDelta: [layoutId, partition, utf8(key), tombstone],
    read: [layoutId, partition, utf8(key), null],
    level: [layoutId, partition, utf8(key), null, MAX_TIME],
    leaves: [layoutId, 0, partition],
    entries: [layoutId, 0, partition, [0], null],
    promiseFloor: [layoutId, MAX_TIME, [partition], ["n1", "n2", "n3"]],
    keptBelow: [layoutId, [partition, MAX_TIME]],
    fence: [layoutId, MAX_TIME, [partition]],
    raiseFloor: [layoutId, MAX_TIME, [partition]],
    repair: [[partition]],
    refute: [2 ** 43 - 1],
    promiseLayout: [invented.id, ["x1"]],
    installLayout: [encodeLayout(invented)],
    // These may be asked by all, and nonsense is answered as such.
    coordinate: [layoutId, false, 9],
    scan: [layoutId, 0, 70_000],
    roots: [layoutId, 0, [70_000]],
    hints: [],
    fetchLayout: [],
    fetchNamespaces: [],
    fetchSealKeys: [],
    probe: [],
    probeFor: [7],
  };
}

Deno.test("whatever a stranger asks of a cluster, nothing on its disks changes and every key is kept", async () => {
  await using world = await NodeWorld.of(3);
  for (const key of KEYS) await world.put("n1", key, "milk");
  const stranger = await Stranger.join(world, "x1", world.names);
  const layoutId = world.node("n1").status().layoutId!;
  const before = world.names.map((name) => contentsOf(world, name));
  for (const [name, args] of Object.entries(harmful(layoutId, KEYS[0]!))) {
    const { from } = STANDING[name as MethodName];
    for (const node of world.names) {
      for (const asked of [args, []]) {
        const reply = await stranger.ask(node, METHODS[name as MethodName], asked);
        const code = reply instanceof DenamoError ? `${reply.code} ${reply.outcome}` : "answered";
        if (from === "peer") {
          const isHarmless = ["answered", "malformed no", "layout_exists no", "layout_refused no"];
          assert.ok(isHarmless.includes(code), `${name}: ${code}`);
        } else assert.equal(code, "not_allowed no", name);
      }
    }
  }
  assert.deepEqual(world.names.map((name) => contentsOf(world, name)), before);
  for (const name of world.names) {
    for (const key of KEYS) {
      const { siblings } = await world.ended(world.node(name).get(utf8(key), { r: "all" }));
      assert.deepEqual(siblings.map(({ bytes }) => utf8Text(bytes)), ["milk"]);
    }
    assert.equal(world.node(name).status().isReady, true);
    assert.equal(world.node(name).status().layoutId, layoutId);
    const refused = world.node(name).measurements().find((it) => it.name === "rpcs_refused_total");
    assert.ok(refused!.value > 0);
  }
  await stranger.leave();
});

Deno.test("whoever remembers a later run of a node is heard, and only of a member that means a lost disk", async () => {
  await using world = await NodeWorld.of(3);
  const stranger = await Stranger.join(world, "x1", ["n1"]);
  const incarnation = () => world.node("n1").members().find(({ isSelf }) => isSelf)!.incarnation;
  const before = incarnation();
  assert.deepEqual(await stranger.ask("n1", METHODS.refute, [before + 1_000]), []);
  assert.ok(incarnation() > before + 1_000, "it goes above what anybody takes for it");
  const filling = world.node("n1").measurements().find(({ name }) => {
    return name === "filling_partitions_count";
  });
  assert.equal(filling!.value, 0);
  const after = incarnation();
  assert.deepEqual(await stranger.ask("n1", METHODS.refute, [after + 2 ** 30]), []);
  assert.equal(incarnation(), after, "no run can have that yet");
  await stranger.leave();
});

Deno.test("a stranger that tells every node that it was left behind empties none", async () => {
  await using world = await NodeWorld.of(3);
  await world.put("n1", KEYS[0]!, "milk");
  const endings: string[] = [];
  for (const name of world.names) {
    world.node(name).failed.then(({ message }) => endings.push(`${name}: ${message}`));
  }
  let count = 0;
  const upTo = (WORLD_BEGIN_MS + Math.floor(world.time.nowMs)) * TICKS_PER_MS;
  const strangers = await Promise.all(["x1", "x2", "x3"].map((stranger) => {
    return Stranger.call(world, stranger, world.names, () => {
      count++;
      return leftBehind(upTo);
    });
  }));
  await world.time.until(() => count >= 9, "each has told each");
  await world.time.pass(2_000);
  assert.deepEqual(endings, []);
  for (const name of world.names) {
    const { siblings } = await world.ended(world.node(name).get(utf8(KEYS[0]!), { r: "all" }));
    assert.deepEqual(siblings.map(({ bytes }) => utf8Text(bytes)), ["milk"]);
    assert.equal(world.node(name).status().isReady, true);
  }
  for (const stranger of strangers) await stranger.leave();
});

Deno.test("before there is a layout only what leads to one is served", async () => {
  await using world = await NodeWorld.withoutLayout(2);
  const stranger = await Stranger.join(world, "x1", world.names);
  for (const [name, args] of Object.entries(harmful("1-x", KEYS[0]!))) {
    const { isForUnplaced } = STANDING[name as MethodName];
    const reply = await stranger.ask("n1", METHODS[name as MethodName], args);
    const code = reply instanceof DenamoError ? reply.code : "answered";
    if (!isForUnplaced) assert.equal(code, "not_ready", name);
  }
  assert.equal(world.node("n1").status().layoutVersion, 0);
  await stranger.leave();
});

function contentsOf(world: NodeWorld, name: string): string[] {
  return world.image(name).entries().map(({ key, value }) => `${key.join(" ")} ${value.toHex()}`);
}
