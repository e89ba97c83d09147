import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { DenamoError, QuorumError } from "../../src/wire/errors.ts";
import { reachable } from "../../src/replica/cluster.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import {
  type KeyReader,
  type Position,
  type ScanResult,
  Scans,
} from "../../src/coordinator/scans.ts";
import {
  deletedAtAll,
  forgotten,
  goRound,
  keysBeside,
  lookedWorld,
  putAt,
  putAtAll,
} from "../replica/floor_world.ts";
import type { RepairWorld } from "../replica/repair_world.ts";

const KEY = "cart:alice";
const THREE = { names: ["n1", "n2", "n3"] } as const;

/** All keys that a node lists, page by page. */
async function list(
  world: RepairWorld,
  name: string,
  r: number,
  limit = 100,
  read: KeyReader["read"] = () => Promise.reject(new Error("Nothing here is large")),
): Promise<string[]> {
  const { cluster, deadlines, namespaces, replica } = world.node(name);
  const scans = new Scans(cluster, replica, namespaces, { now: () => 0 }, deadlines, { read });
  const how = { prefix: undefined, limit, wholePartitions: false, r, timeoutMs: 1_000 };
  const found: string[] = [];
  for (let from: Position | undefined = { partition: 0 }; from !== undefined;) {
    const page: ScanResult = await world.settle(scans.scan({ ...how, from }));
    found.push(...page.keys.map(utf8Text));
    from = page.next;
  }
  return found.sort();
}

Deno.test("a scan lists every key that lives at one of the owners that are asked, each once", async () => {
  const world = await lookedWorld(THREE);
  const keys = world.keysWhere(() => true, 60).sort();
  for (const [i, key] of keys.entries()) await putAt(world, `n${1 + i % 3}`, key, "milk");
  assert.deepEqual(await list(world, "n1", 3), keys);
  assert.deepEqual(await list(world, "n2", 3, 7), keys);
  for (const key of keys.slice(0, 20)) {
    await putAtAll(world, key, "eggs");
    for (const name of THREE.names) await putAt(world, name, key, null);
  }
  assert.deepEqual(await list(world, "n1", 3), keys.slice(20));
});

Deno.test("an owner that is filling its copies counts towards no listing, here or elsewhere", async () => {
  const world = await lookedWorld(THREE);
  const keys = world.keysWhere(() => true, 20).sort();
  for (const key of keys) await putAt(world, "n3", key, "milk");
  world.node("n1").filling.begin("a test says so");
  for (const name of ["n1", "n2"]) assert.deepEqual(await list(world, name, 2), keys);
  for (const name of ["n1", "n2"]) await assert.rejects(list(world, name, 3), { code: "quorum" });
});

Deno.test("whether anything is in a large set is asked of a read, and none of it is sent", async () => {
  const world = await lookedWorld(THREE);
  const elements = Array.from({ length: 10_000 }, (_, i) => utf8(`element ${i}`));
  const add = { type: "set", operation: { kind: "add", elements } } as const;
  const large = DataObject.empty.update({ actor: "n2~a", time: 1 }, add);
  await world.settle(world.give("n2", KEY, large));
  await putAt(world, "n2", "another", "milk");
  let bytes = 0;
  world.tap = (_from, _to, message) => void (bytes += message.length);
  for (const [found, listed] of [[large, [KEY]], [DataObject.empty, []]] as const) {
    const asked: string[] = [];
    const read: KeyReader["read"] = (key, level) => {
      asked.push(`${utf8Text(key)} ${level}`);
      return Promise.resolve(found);
    };
    assert.deepEqual(await list(world, "n1", 3, 100, read), ["another", ...listed].sort());
    assert.deepEqual(asked, [`${KEY} 3`]);
  }
  assert.ok(bytes < 10_000, `${bytes} bytes`);
});

Deno.test("an old disk lists nothing that the others have forgotten", async () => {
  const world = await lookedWorld(THREE);
  const [, , third] = world.ownersOf(KEY) as [string, string, string];
  const [alive, later] = keysBeside(world, KEY, 2) as [string, string];
  await putAtAll(world, KEY, "milk");
  await putAtAll(world, alive, "alive");
  const backup = world.images.get(third)!.copy();
  await putAtAll(world, later, "later");
  await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  await world.restart(third, () => world.images.set(third, backup));
  for (const name of THREE.names) {
    for (const limit of [1, 100]) {
      assert.deepEqual(await list(world, name, 3, limit), [alive, later].sort(), name);
    }
  }
});

Deno.test("a node that has the floor for other keys of a partition hides none", async () => {
  const names = ["n1", "n2", "n3", "n4", "n5"];
  const world = await lookedWorld({ names, namespaces: [{ prefix: "five/", n: 5 }] });
  const [gone] = keysBeside(world, KEY, 1, "five/") as [string];
  await putAtAll(world, KEY, "milk");
  await deletedAtAll(world, gone);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, gone);
  for (const name of names) assert.deepEqual(await list(world, name, 3), [KEY], name);
});

Deno.test("a record that one owner cannot read is hidden by no floor", async () => {
  const world = await lookedWorld(THREE);
  const [first] = world.ownersOf(KEY) as [string];
  const [gone] = keysBeside(world, KEY, 1) as [string];
  await putAtAll(world, KEY, "milk");
  await deletedAtAll(world, gone);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, gone);
  await world.flush(first);
  await world.restart(first, () => world.damage(first, KEY));
  for (const name of THREE.names) assert.deepEqual(await list(world, name, 3), [KEY], name);
});

const NEVER = new Promise<void>(() => {});

/** Pages of a node, one after the other, with how long each took. */
function pagesOf(world: RepairWorld, name: string) {
  const { cluster, deadlines, namespaces, replica } = world.node(name);
  const read = () => Promise.resolve(DataObject.empty);
  const scans = new Scans(cluster, replica, namespaces, { now: () => 0 }, deadlines, { read });
  return async (from: Position, how: { r?: number; limit?: number; wholePartitions?: boolean }) => {
    const { limit = 10, r = 2, wholePartitions = false } = how;
    const beganAtMs = world.time.nowMs;
    const request = { from, prefix: undefined, limit, wholePartitions, r, timeoutMs: 1_000 };
    let result: ScanResult | undefined;
    let error: unknown;
    try {
      result = await world.settle(scans.scan(request));
    } catch (problem) {
      error = problem;
    }
    return { result, error, tookMs: world.time.nowMs - beganAtMs };
  };
}

Deno.test("an owner that hangs costs a scan a quarter of a second, and no more in its later rounds", async () => {
  const world = await lookedWorld(THREE);
  const keys = world.keysWhere(() => true, 60).sort();
  for (const key of keys) await putAtAll(world, key, "milk");
  for (const name of ["n2", "n3"]) {
    const page = pagesOf(world, "n1");
    world.trouble(name).serving = (method) => method === "scan" ? NEVER : undefined;
    const found: string[] = [];
    let tookMs = 0;
    for (let from: Position | undefined = { partition: 0 }; from !== undefined;) {
      const { result, tookMs: ofPage } = await page(from, {});
      found.push(...result!.keys.map(utf8Text));
      tookMs += ofPage;
      from = result!.next;
    }
    assert.deepEqual(found.sort(), keys);
    assert.ok(tookMs < 400, `${tookMs} ms with ${name} hanging`);
    world.trouble(name).serving = () => {};
  }
});

Deno.test("where an owner that hangs must answer, a scan is refused within its time", async () => {
  const world = await lookedWorld(THREE);
  await putAtAll(world, KEY, "milk");
  world.trouble("n3").serving = (method) => method === "scan" ? NEVER : undefined;
  const { error, tookMs } = await pagesOf(world, "n1")({ partition: 0 }, { r: 3 });
  assert.ok(error instanceof QuorumError && error.outcome === "no");
  assert.deepEqual(error.causes, ["n3 has not answered in time"]);
  assert.ok(tookMs <= 1_050, `${tookMs} ms`);
});

Deno.test("an owner that fails is made up for by another, and asked last from then on", async () => {
  const world = await lookedWorld(THREE);
  for (const key of world.keysWhere(() => true, 60)) await putAtAll(world, key, "milk");
  const [failing] = reachable(world.node("n1").cluster, ["n2", "n3"]).map(({ node }) => node);
  world.trouble(failing!).serving = () => {
    throw new DenamoError("disk_failed", "no", "It cannot be read");
  };
  const page = pagesOf(world, "n1");
  const { result } = await page({ partition: 0 }, { limit: 100 });
  assert.equal(result!.keys.length, 60);
  assert.deepEqual(world.node(failing!).asked, ["scan"]);
});

Deno.test("where nearly all is dead rounds grow, and a page ends after half a second with its place", async () => {
  const world = await lookedWorld(THREE);
  const dead = world.keysWhere(() => true, 3_000);
  for (const key of dead) await putAt(world, "n2", key, null);
  const [live] = world.keysWhere((key) => !dead.includes(key), 1) as [string];
  await putAtAll(world, live, "milk");
  world.trouble("n2").serving = () => new Promise((resolve) => world.time.after(150, resolve));
  for (const wholePartitions of [false, true]) {
    const page = pagesOf(world, "n1");
    world.node("n2").asked.length = 0;
    const found: string[] = [];
    let pages = 0;
    for (let from: Position | undefined = { partition: 0 }; from !== undefined; pages++) {
      const { result, tookMs } = await page(from, { r: 3, wholePartitions });
      assert.ok(tookMs <= 750, `${tookMs} ms`);
      if (wholePartitions) assert.equal(result!.next?.after, undefined);
      found.push(...result!.keys.map(utf8Text));
      from = result!.next;
    }
    assert.deepEqual(found, [live]);
    assert.ok(pages > 1 && pages < 8, `${pages} pages`);
    const rounds = world.node("n2").asked.length;
    assert.ok(rounds < 24, `${rounds} rounds`);
  }
});
