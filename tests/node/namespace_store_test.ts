// Namespaces that are set while a cluster runs, in virtual time.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { Node } from "../../src/node/node.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { NodeWorld } from "./node_world.ts";

/** What a node says of a prefix. */
function inForce(node: Node, prefix: string) {
  return node.namespaces.list().namespaces.find((view) => view.prefix === prefix)?.inForce;
}

async function agreed(world: NodeWorld, names = world.names): Promise<void> {
  const all = names.map((name) => world.node(name));
  await world.time.until(
    () =>
      all.every((node) => node.namespaces.list().differing.length === 0) &&
      new Set(all.map((node) => JSON.stringify(node.namespaces.list().namespaces))).size === 1,
    "all to know the same",
  );
}

async function read(world: NodeWorld, name: string, key: string): Promise<string[]> {
  const { siblings } = await world.ended(world.node(name).get(utf8(key)));
  return siblings.map(({ bytes }) => new TextDecoder().decode(bytes));
}

Deno.test("what is set at one node holds at all, at once, and the tables say so", async () => {
  await using world = await NodeWorld.of(3);
  const [n1, n3] = [world.node("n1"), world.node("n3")];
  const view = await world.ended(
    n1.namespaces.set("s:", { conflicts: "lww", ttlMs: 60_000, w: 1 }),
  );
  assert.deepEqual([view.source, view.setBy], ["set", "n1"]);
  assert.deepEqual(view.settings, { w: 1, conflicts: "lww", ttlMs: 60_000 });
  assert.deepEqual([view.inForce.n, view.inForce.r, view.inForce.timeoutMs], [3, "quorum", 5_000]);
  const beganMs = world.time.nowMs;
  await world.time.until(() => inForce(n3, "s:")?.conflicts === "lww", "n3 to know");
  assert.ok(world.time.nowMs - beganMs < 500, `${world.time.nowMs - beganMs} ms`);
  await agreed(world);

  assert.equal(await world.ended(n3.namespaces.remove("s:")), true);
  assert.equal(await world.ended(n3.namespaces.remove("s:")), false);
  await agreed(world);
  assert.deepEqual(n1.namespaces.list().namespaces, []);
});

Deno.test("a node that was down, or starts on an empty disk, learns what was set; all remember it", async () => {
  await using world = await NodeWorld.of(3);
  await world.stop("n3");
  await world.ended(world.node("n1").namespaces.set("s:", { n: 2 }));
  await world.restart("n3");
  await agreed(world);
  assert.equal(inForce(world.node("n3"), "s:")?.n, 2);

  for (const name of world.names) await world.stop(name);
  for (const name of world.names) await world.start(name);
  for (const name of world.names) assert.equal(inForce(world.node(name), "s:")?.n, 2, name);
  await world.whenReady();

  await world.stop("n2");
  world.loseDisk("n2");
  await world.start("n2");
  const n2 = world.node("n2");
  let knewFirst = true;
  await world.time.until(() => {
    if (n2.ring() !== undefined) knewFirst &&= inForce(n2, "s:")?.n === 2;
    return n2.status().isReady;
  }, "n2 is ready");
  assert.ok(knewFirst, "it knew them before it had a layout");
});

Deno.test("both sides of a cut set the same prefix: the later order holds everywhere afterwards", async () => {
  await using world = await NodeWorld.of(3);
  for (const other of ["n1", "n2"]) world.cut("n3", other);
  await world.ended(world.node("n3").namespaces.set("s:", { w: "all" }));
  await world.ended(world.node("n3").namespaces.set("t:", { w: 2 }));
  await world.time.pass(1_000);
  await world.ended(world.node("n1").namespaces.set("s:", { w: "one" }));
  for (const other of ["n1", "n2"]) world.heal("n3", other);
  await agreed(world);
  for (const name of world.names) {
    const node = world.node(name);
    assert.deepEqual([inForce(node, "s:")?.w, inForce(node, "t:")?.w], ["one", 2], name);
  }
});

Deno.test("set() lists every mistake and sets nothing", async () => {
  await using world = await NodeWorld.of(3);
  const refused = world.node("n1").namespaces.set("s:", { n: 0, w: 4, r: 5 });
  await assert.rejects(world.ended(refused), (error) => {
    assert.ok(error instanceof DenamoError);
    assert.deepEqual([error.code, error.outcome], ["bad_request", "no"]);
    assert.equal((error.details["mistakes"] as string[]).length, 3, error.message);
    return true;
  });
  const tooMany = world.node("n1").namespaces.set("s:", { w: 4 });
  await assert.rejects(world.ended(tooMany), /w is 4, but there are only 3 copies/);
  assert.deepEqual(world.node("n1").namespaces.list().namespaces, []);
});

Deno.test("lww: two writes that knew nothing of each other leave one value", async () => {
  await using world = await NodeWorld.of(3);
  const writeTwice = async (key: string) => {
    const context = (await world.ended(world.node("n1").get(utf8(key)))).context();
    for (const [name, text] of [["n1", "first"], ["n3", "second"]] as const) {
      const value = { kind: "text", bytes: utf8(text) } as const;
      await world.ended(world.node(name).put(utf8(key), value, { context }));
    }
    return (await read(world, "n2", key)).sort();
  };
  assert.deepEqual(await writeTwice("s:before"), ["first", "second"]);
  await world.ended(world.node("n2").namespaces.set("s:", { conflicts: "lww" }));
  await agreed(world);
  assert.deepEqual(await writeTwice("s:after"), ["second"]);
  assert.deepEqual(await writeTwice("other"), ["first", "second"]);
  await world.ended(world.node("n2").namespaces.remove("s:"));
  await agreed(world);
  assert.deepEqual(await writeTwice("s:again"), ["first", "second"]);
});

Deno.test("ttl: a write without an expiry of its own gets one, and values that merge when they begin", async () => {
  await using world = await NodeWorld.of(3);
  const [n1, n2] = [world.node("n1"), world.node("n2")];
  await world.ended(n1.namespaces.set("s:", { ttlMs: 60_000 }));
  await agreed(world);
  const ttlOf = async (key: string) => {
    const { expiresAtMs } = await world.ended(n1.get(utf8(key)));
    return expiresAtMs === undefined ? undefined : expiresAtMs - n1.nowMs();
  };
  const isAbout = (ms: number | undefined, wantedMs: number) =>
    assert.ok(ms !== undefined && ms <= wantedMs && ms > wantedMs - 1_000, `${ms} of ${wantedMs}`);
  await world.put("n2", "s:plain", "v");
  isAbout(await ttlOf("s:plain"), 60_000);
  await world.put("n2", "other", "v");
  assert.equal(await ttlOf("other"), undefined);
  const value = { kind: "text", bytes: utf8("v") } as const;
  await world.ended(n2.put(utf8("s:own"), value, { expiresAtMs: n2.nowMs() + 5_000 }));
  isAbout(await ttlOf("s:own"), 5_000);
  await world.ended(n2.expire(utf8("s:plain"), undefined));
  await world.ended(n2.put(utf8("s:plain"), value, { keepExpiry: true }));
  assert.equal(await ttlOf("s:plain"), undefined, "an end that was taken away is not given again");
  await world.ended(n2.put(utf8("s:new"), value, { keepExpiry: true }));
  isAbout(await ttlOf("s:new"), 60_000);

  const add = () =>
    world.ended(
      n2.update(utf8("s:hits"), [{
        type: "counter",
        operation: { kind: "add", amount: 1, id: undefined },
      }]),
    );
  await add();
  isAbout(await ttlOf("s:hits"), 60_000);
  await world.time.pass(40_000);
  await add();
  isAbout(await ttlOf("s:hits"), 20_000);
  await world.time.pass(30_000);
  assert.equal((await world.ended(n1.get(utf8("s:hits")))).exists, false);
  await add();
  isAbout(await ttlOf("s:hits"), 60_000);
});

Deno.test("n raised: the owner that comes to it takes all over, and its emptiness replaces nothing", async () => {
  const forgetAfterMs = 2_000;
  await using world = await NodeWorld.of(3, {
    forgetAfterMs,
    compareMs: 3_000,
    namespaces: [{ prefix: "p:", n: 2 }, { prefix: "q:", n: 3 }],
  });
  const n1 = world.node("n1");
  const keys = Array.from({ length: 40 }, (_, i) => `p:${i}`);
  for (const key of keys) await world.put("n1", key, "value");
  // What is deleted makes owners raise the floors of parts with two and with three copies.
  for (let i = 0; i < 40; i++) {
    for (const prefix of ["p:gone", "q:gone"]) {
      await world.put("n1", `${prefix}${i}`, "value");
      await world.ended(n1.delete(utf8(`${prefix}${i}`)));
    }
  }
  await world.time.pass(60_000);
  const raised = n1.measurements().find(({ name }) => name === "floors_raised_total");
  assert.ok(raised!.value > 0, "there are floors");

  await world.ended(n1.namespaces.set("p:", { n: 3 }));
  await agreed(world);
  for (const name of world.names) {
    for (const key of keys) {
      assert.deepEqual(await read(world, name, key), ["value"], `${key} at ${name}`);
    }
  }
  await world.time.pass(60_000);
  for (const name of world.names) await world.ended(world.node(name).repair());
  assert.deepEqual((await world.ended(n1.differences())).differences, []);
  for (const name of world.names) {
    for (const key of keys) {
      const { value } = await world.ended(world.node(name).get(utf8(key), { r: 1 }));
      assert.deepEqual(value?.bytes, utf8("value"), `${key} at ${name}`);
    }
  }
});

Deno.test("n lowered: who owns a key no longer hands it over, and what is deleted does not come back", async () => {
  await using world = await NodeWorld.of(3, { forgetAfterMs: 2_000, compareMs: 3_000 });
  const n1 = world.node("n1");
  const keys = Array.from({ length: 40 }, (_, i) => `p:${i}`);
  for (const key of keys) await world.put("n1", key, "value");
  // All have looked for what they keep for others, and found nothing.
  await world.time.pass(30_000);
  await world.ended(n1.namespaces.set("p:", { n: 2 }));
  await agreed(world);
  const deleted = keys.slice(0, 20);
  for (const key of deleted) await world.ended(n1.delete(utf8(key)));
  await world.time.pass(60_000);
  const hints = await world.ended(n1.hints());
  assert.deepEqual(hints.map(({ isComplete, keys }) => [isComplete, keys]), [
    [true, 0],
    [true, 0],
    [true, 0],
  ]);
  await world.ended(n1.namespaces.set("p:", { n: 3 }));
  await agreed(world);
  await world.time.pass(60_000);
  for (const name of world.names) {
    for (const key of keys) {
      const found = await read(world, name, key);
      assert.deepEqual(found, deleted.includes(key) ? [] : ["value"], `${key} at ${name}`);
    }
  }
});

Deno.test("a namespace that compresses takes less room on the disks of all, from the next write on", async () => {
  await using world = await NodeWorld.of(3, { journalCount: 1 });
  const value = { kind: "text", bytes: utf8("bread and butter ".repeat(200)) } as const;
  await world.ended(world.node("n1").namespaces.set("c:", { compress: true }));
  await agreed(world);
  for (const key of ["c:k", "p:k", "p:1", "p:2", "p:3", "p:4"]) {
    await world.ended(world.node("n2").put(utf8(key), value, { w: "all" }));
  }
  const recordBytes = (name: string, wanted: string) => {
    const records = world.image(name).entries().filter(({ key: [table, , key] }) => {
      return table === "o" && (key as Uint8Array).toHex() === utf8(wanted).toHex();
    });
    return records[0]?.value.length ?? 0;
  };
  for (const name of world.names) {
    await world.time.until(() => recordBytes(name, "p:k") > 0, "the records are written");
    assert.ok(recordBytes(name, "c:k") > 0 && recordBytes(name, "c:k") < 500, name);
    assert.ok(recordBytes(name, "p:k") > 3_000, name);
  }
  await world.stop("n3");
  await world.restart("n3");
  const { siblings } = await world.ended(world.node("n3").get(utf8("c:k"), { r: 1 }));
  assert.deepEqual(siblings, [value]);
});
