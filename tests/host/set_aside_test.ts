import assert from "node:assert/strict";
import { join } from "node:path";
import { dueOf, type SetAside, SetAsides } from "../../src/host/set_aside.ts";
import { DiskFullError } from "../../src/wire/errors.ts";

const GIB = 1024 ** 3;
const DAY_MS = 24 * 60 * 60 * 1_000;
const NOW_MS = Date.UTC(2026, 10, 30, 22, 15);
const ROOMY = { totalBytes: 1_000 * GIB, freeBytes: 800 * GIB };

Deno.test("copy() keeps the files as they are, with the reason beside them", async () => {
  await inDirectory(async (root) => {
    const file = join(root, "store.kv");
    await Deno.writeTextFile(file, "pages");
    const place = await asides(root).copy([file, `${file}-wal`], "The node was left behind");
    assert.equal(place, join(root, "set-aside-20261130T221500Z"));
    assert.equal(await Deno.readTextFile(file), "pages", "the store itself stays");
    assert.equal(await Deno.readTextFile(join(place, "store.kv")), "pages");
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(place, "reason.json"))), {
      version: 1,
      reason: "The node was left behind",
      node: "n1",
      time: "2026-11-30T22:15:00.000Z",
      format: 1,
    });
    const [listed] = await asides(root).list();
    assert.equal(listed!.path, place);
    assert.equal(listed!.reason, "The node was left behind");
    assert.equal(listed!.sinceMs, NOW_MS);
    assert.ok(listed!.sizeBytes > 5);
  });
});

Deno.test("move() takes the files away, each time to a place of its own", async () => {
  await inDirectory(async (root) => {
    const file = join(root, "store.kv");
    const places: string[] = [];
    for (const text of ["first", "second"]) {
      await Deno.writeTextFile(file, text);
      places.push(await asides(root).move([file, `${file}-wal`], "It is damaged"));
      await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
    }
    assert.equal(places[1], `${places[0]}-2`);
    assert.equal(await Deno.readTextFile(join(places[0]!, "store.kv")), "first");
    assert.equal(await Deno.readTextFile(join(places[1]!, "store.kv")), "second");
    const listed = await asides(root).list();
    assert.deepEqual(listed.map(({ path }) => path), places);
  });
});

Deno.test("copy() is refused when it would take the room that live data needs, and leaves nothing", async () => {
  await inDirectory(async (root) => {
    const file = join(root, "store.kv");
    await Deno.writeFile(file, new Uint8Array(2_000));
    const room = { totalBytes: 10_000, freeBytes: 2_900 };
    await assert.rejects(asides(root, room).copy([file], "Why"), (error: Error) => {
      assert.ok(error instanceof DiskFullError);
      assert.ok(error.message.includes(root), error.message);
      return true;
    });
    assert.deepEqual(await namesIn(root), ["store.kv"]);
    await asides(root, { ...room, freeBytes: 3_001 }).copy([file], "Why");
    await asides(root, { ...room, freeBytes: 0 }).move([file], "To move needs no room");
  });
});

Deno.test("prune() deletes what is a week old and the drafts that a crash has left, and nothing else", async () => {
  await inDirectory(async (root) => {
    const file = join(root, "store.kv");
    await Deno.writeTextFile(file, "pages");
    let nowMs = NOW_MS;
    const setAsides = new SetAsides(root, options(ROOMY, () => nowMs));
    const old = await setAsides.copy([file], "Old");
    nowMs += 3 * DAY_MS;
    const later = await setAsides.copy([file], "Later");
    await Deno.mkdir(`${old}.tmp`);
    await Deno.mkdir(join(root, "set-aside-by-hand"));
    nowMs = NOW_MS + 7 * DAY_MS;
    const deleted = await setAsides.prune();
    assert.deepEqual(deleted.map(({ reason }) => reason), ["Old"]);
    assert.deepEqual(await namesIn(root), [
      later.slice(root.length + 1),
      "set-aside-by-hand",
      "store.kv",
    ]);
  });
});

Deno.test("changes wait for each other, so that no draft is deleted while it is made", async () => {
  await inDirectory(async (root) => {
    const file = join(root, "store.kv");
    await Deno.writeFile(file, new Uint8Array(1_000_000));
    const setAsides = asides(root);
    const [place] = await Promise.all([setAsides.copy([file], "Why"), setAsides.prune()]);
    assert.equal((await Deno.stat(join(place, "store.kv"))).size, 1_000_000);
  });
});

Deno.test("what is over its share goes, the oldest first, but not the latest within its day", () => {
  const device = { totalBytes: 100 * GIB, freeBytes: 50 * GIB };
  const kept = [made(3, 10), made(2, 8), made(0.5, 8)];
  assert.deepEqual(due(kept, device), [0]);
  assert.deepEqual(due([made(3, 10), made(2, 8)], device), []);
  assert.deepEqual(
    due([made(0.5, 30)], device),
    [],
    "the latest is kept though it is over its share",
  );
  assert.deepEqual(due([made(1.5, 30)], device), [0], "for one day");
  assert.deepEqual(due([made(3, 10)], device, 15), [0], "what comes counts as well");
});

Deno.test("when room is short the old ones go, and when it is scarce the latest goes too", () => {
  const kept = [made(3, 1), made(0.5, 1)];
  assert.deepEqual(due(kept, { totalBytes: 100 * GIB, freeBytes: 3.5 * GIB }), [0]);
  assert.deepEqual(due(kept, { totalBytes: 100 * GIB, freeBytes: 2.5 * GIB }), [0]);
  assert.deepEqual(due([made(0.5, 1)], { totalBytes: 100 * GIB, freeBytes: 0.1 * GIB }), [0]);
  assert.deepEqual(
    due([made(0.5, 1)], { totalBytes: 100 * GIB, freeBytes: 2 * GIB }, 1.95),
    [],
    "what comes does not drive out the latest",
  );
  assert.deepEqual(due([made(8, 1), made(0.5, 1)], undefined), [0], "age counts without a room");
});

function due(
  kept: readonly SetAside[],
  room: Parameters<typeof dueOf>[2],
  neededGib = 0,
): number[] {
  return dueOf(kept, NOW_MS, room, neededGib * GIB).map((it) => kept.indexOf(it)).sort();
}

function made(ageDays: number, sizeGib: number): SetAside {
  const sinceMs = NOW_MS - ageDays * DAY_MS;
  return { path: `${ageDays}`, reason: "", sinceMs, sizeBytes: sizeGib * GIB };
}

function asides(root: string, room = ROOMY): SetAsides {
  return new SetAsides(root, options(room, () => NOW_MS));
}

function options(room: typeof ROOMY, now: () => number) {
  return { node: "n1", format: 1, now, room: () => Promise.resolve(room) };
}

async function namesIn(root: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(root), ({ name }) => name)).sort();
}

async function inDirectory(run: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "denamo-aside-" });
  try {
    await run(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
