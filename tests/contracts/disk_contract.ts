// What every disk must do: the contract of ports/disk.ts as tests.

import assert from "node:assert/strict";
import fc from "fast-check";
import { compareDiskKeys, type Disk, type DiskEntry, type DiskKey } from "../../src/ports/disk.ts";
import { utf8, utf8Text } from "../../src/base/bytes.ts";

/** A place where a disk can be opened again and again. */
export interface DiskPlace {
  open(): Promise<Disk>;
  /** Opens what was set aside, as it lies there, by what `setAside` resolved with. */
  openSetAside(where: string): Promise<Disk>;
  /** Why something was set aside, as it is noted beside it. */
  reasonOf(where: string): Promise<string>;
  /** Takes the medium away under the disk that is open. */
  takeAway(): Promise<void>;
  /** Removes everything. */
  cleanUp(): Promise<void>;
}

/** Registers the tests of the contract for one implementation. */
export function testDiskContract(name: string, makePlace: () => Promise<DiskPlace>): void {
  const test = (what: string, run: (disk: Disk, place: DiskPlace) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const place = await makePlace();
      try {
        const disk = await place.open();
        try {
          await run(disk, place);
        } finally {
          await disk.close();
        }
      } finally {
        await place.cleanUp();
      }
    });

  test("commit() stores what get() and range() return", async (disk) => {
    await disk.commit([
      { key: ["fruit", 2], value: utf8("pear") },
      { key: ["fruit", 1], value: utf8("apple") },
      { key: ["stone", 1], value: utf8("granite") },
    ]);
    assert.equal(utf8Text((await disk.get(["fruit", 1]))!), "apple");
    assert.equal(await disk.get(["fruit", 3]), undefined);
    const fruit = await disk.range({ start: ["fruit"], end: ["fruit", 9] }, 10);
    assert.deepEqual(fruit.map(({ key }) => key), [["fruit", 1], ["fruit", 2]]);
    await disk.commit([{ key: ["fruit", 1] }]);
    assert.equal(await disk.get(["fruit", 1]), undefined);
  });

  test(
    "a batch and its opposite leave what they should, and another opening sees it",
    async (disk, place) => {
      await disk.commit([{ key: ["a"], value: utf8("1") }, { key: ["b"], value: utf8("2") }]);
      await disk.commit([{ key: ["a"] }, { key: ["b"], value: utf8("3") }, { key: ["none"] }]);
      await disk.close();
      const again = await place.open();
      assert.equal(await again.get(["a"]), undefined);
      assert.equal(utf8Text((await again.get(["b"]))!), "3");
      await again.close();
    },
  );

  test("range() lists exactly the keys between its ends, in order, up to its limit", async (disk) => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(Uint8Array.of(0), Uint8Array.of(0, 255), Uint8Array.of(255), "", "o", "é"),
      fc.constantFrom("o", "p"),
      fc.nat(3),
      fc.nat(100_000),
    );
    const key = fc.array(part, { minLength: 1, maxLength: 3 });
    const keys = fc.uniqueArray(key, { maxLength: 12, comparator: (a, b) => same(a, b) });
    await fc.assert(
      fc.asyncProperty(
        keys,
        key,
        key,
        fc.integer({ min: 1, max: 14 }),
        async (keys, a, b, limit) => {
          const [start, end] = compareDiskKeys(a, b) <= 0 ? [a, b] : [b, a];
          await disk.commit(keys.map((key, i) => ({ key, value: Uint8Array.of(i) })));
          const expected = keys.map((key, i): DiskEntry => ({ key, value: Uint8Array.of(i) }))
            .filter(({ key }) => compareDiskKeys(key, start) >= 0 && compareDiskKeys(key, end) < 0)
            .sort((a, b) => compareDiskKeys(a.key, b.key));
          const listed = await disk.range({ start, end }, limit);
          assert.deepEqual(listed.map(plain), expected.slice(0, limit).map(plain));
          await disk.commit(keys.map((key) => ({ key })));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("range() goes on beyond any batch that the disk reads at once", async (disk) => {
    const count = 900;
    await disk.commit(
      Array.from({ length: count }, (_, i) => ({ key: ["k", i], value: Uint8Array.of(1) })),
    );
    const listed = await disk.range({ start: ["k"], end: ["l"] }, 5000);
    assert.deepEqual(listed.map(({ key }) => key[1]), Array.from({ length: count }, (_, i) => i));
    assert.equal((await disk.range({ start: ["k"], end: ["l"] }, 700)).length, 700);
    assert.deepEqual(await disk.range({ start: ["k"], end: ["l"] }, 0), []);
  });

  test("commits take effect in the order of their calls", async (disk) => {
    const commits = [];
    for (let i = 0; i < 50; i++) {
      commits.push(disk.commit([{ key: ["k"], value: Uint8Array.of(i) }]));
    }
    await Promise.all(commits);
    assert.deepEqual(await disk.get(["k"]), Uint8Array.of(49));
  });

  test("within one batch the last change of a key wins", async (disk) => {
    await disk.commit([
      { key: ["k"], value: Uint8Array.of(1) },
      { key: ["k"], value: Uint8Array.of(2) },
      { key: ["l"], value: Uint8Array.of(1) },
      { key: ["l"] },
    ]);
    assert.deepEqual(await disk.get(["k"]), Uint8Array.of(2));
    assert.equal(await disk.get(["l"]), undefined);
  });

  test("get() and range() see every commit that has resolved before", async (disk) => {
    for (let i = 0; i < 20; i++) {
      await disk.commit([{ key: ["k", i], value: Uint8Array.of(i) }]);
      const [value, listed] = await Promise.all([
        disk.get(["k", i]),
        disk.range({ start: ["k"], end: ["l"] }, 100),
      ]);
      assert.deepEqual(value, Uint8Array.of(i));
      assert.equal(listed.length, i + 1);
    }
  });

  test("commit() stores a view without the buffer around it", async (disk) => {
    const buffer = new Uint8Array(200_000).fill(7);
    await disk.commit([{ key: ["k"], value: buffer.subarray(100, 103) }]);
    const value = (await disk.get(["k"]))!;
    assert.deepEqual([...value], [7, 7, 7]);
    assert.equal(value.buffer.byteLength, 3);
  });

  test("bytes that were handed out or taken are nobody else's", async (disk) => {
    const given = Uint8Array.of(1, 2, 3);
    await disk.commit([{ key: ["k"], value: given }]);
    given[0] = 9;
    (await disk.get(["k"]))![1] = 9;
    (await disk.range({ start: ["k"], end: ["l"] }, 1))[0]!.value[2] = 9;
    assert.deepEqual([...(await disk.get(["k"]))!], [1, 2, 3]);
  });

  test("an empty value is a value", async (disk) => {
    await disk.commit([{ key: ["k"], value: new Uint8Array() }]);
    assert.deepEqual(await disk.get(["k"]), new Uint8Array());
    await disk.commit([]);
  });

  test("a value or batch at the limits is taken, one above is refused without effect", async (disk) => {
    const { valueBytes, batchBytes, batchChanges, batchKeyBytes } = disk.limits;
    await disk.commit([{ key: ["k"], value: new Uint8Array(valueBytes) }]);
    await refused(disk, [{ key: ["a"], value: new Uint8Array(valueBytes + 1) }]);

    const count = 16;
    const keys = Array.from({ length: count }, (_, i): DiskKey => ["size", i]);
    const fitting = Math.floor(batchBytes / count) - 2 * disk.keyBytes(keys[0]!);
    const left = batchBytes - count * (fitting + 2 * disk.keyBytes(keys[0]!));
    const sized = (extra: number) =>
      keys.map((key, i) => ({ key, value: new Uint8Array(fitting + (i === 0 ? extra : 0)) }));
    await disk.commit(sized(left));
    await refused(disk, [{ key: ["a"], value: new Uint8Array(0) }, ...sized(left)]);

    const changes = Array.from({ length: batchChanges }, (_, i) => ({
      key: ["n", i],
      value: Uint8Array.of(1),
    }));
    await disk.commit(changes);
    await refused(disk, [{ key: ["a"], value: new Uint8Array(0) }, ...changes]);

    const long = Array.from({ length: 80 }, (_, i) => {
      const raw = new Uint8Array(1000).fill(1);
      raw[0] = 1 + i;
      return { key: [raw], value: Uint8Array.of(1) };
    });
    const room = batchKeyBytes - long.reduce((sum, { key }) => sum + disk.keyBytes(key), 0);
    const rest = { key: ["x".repeat(room - 2)], value: Uint8Array.of(1) };
    await disk.commit([...long, rest]);
    await refused(disk, [{ key: ["a"], value: Uint8Array.of(1) }, ...long, rest]);
    assert.equal(await disk.get(["a"]), undefined);
  });

  test("room() tells how much is free of how much, or nothing", async (disk) => {
    const room = await disk.room();
    if (room === undefined) return;
    assert.ok(room.freeBytes >= 0 && room.freeBytes <= room.totalBytes, JSON.stringify(room));
  });

  test(
    "setAside() keeps what was committed before it and nothing later, and the disk goes on",
    async (disk, place) => {
      await disk.commit([{ key: ["k", 1], value: utf8("kept") }]);
      // More of them than a disk can carry out while it prepares a copy.
      const before = Array.from({ length: 60 }, (_, i) => {
        return disk.commit([{ key: ["many", i], value: new Uint8Array(20_000) }]);
      });
      before.push(disk.commit([{ key: ["k", 2], value: utf8("called before") }]));
      const setAside = disk.setAside("The node starts again");
      const after = disk.commit([{ key: ["k", 1] }, {
        key: ["k", 3],
        value: utf8("called after"),
      }]);
      await Promise.all([...before, setAside, after]);
      const listed = await disk.range({ start: ["k"], end: ["l"] }, 9);
      assert.deepEqual(listed.map(({ key }) => key[1]), [2, 3], "the disk itself is as it was");

      const where = await setAside;
      assert.equal(await place.reasonOf(where), "The node starts again");
      const kept = await place.openSetAside(where);
      const texts = (await kept.range({ start: ["k"], end: ["l"] }, 9))
        .map(({ key, value }) => [key[1], utf8Text(value)]);
      await kept.close();
      assert.deepEqual(texts, [[1, "kept"], [2, "called before"]]);
    },
  );

  test("setAside() again keeps both, in places of their own", async (disk, place) => {
    const places: string[] = [];
    for (const text of ["first", "second"]) {
      await disk.commit([{ key: ["k"], value: utf8(text) }]);
      places.push(await disk.setAside(`The ${text} time`));
    }
    for (const [i, text] of ["first", "second"].entries()) {
      const kept = await place.openSetAside(places[i]!);
      assert.equal(utf8Text((await kept.get(["k"]))!), text);
      await kept.close();
      assert.equal(await place.reasonOf(places[i]!), `The ${text} time`);
    }
  });

  test(
    "a disk that is taken away tells so, and acknowledges and reads nothing from then on",
    async (disk, place) => {
      await disk.commit([{ key: ["k"], value: utf8("1") }]);
      await place.takeAway();
      await assert.rejects(disk.commit([{ key: ["k"], value: utf8("2") }]), {
        code: "disk_failed",
      });
      const { kind, reason } = await disk.lost;
      assert.equal(kind, "gone");
      assert.notEqual(reason, "");
      await assert.rejects(disk.get(["k"]), { code: "disk_failed" });
      await assert.rejects(disk.range({ start: ["k"], end: ["l"] }, 1), { code: "disk_failed" });
      await assert.rejects(disk.setAside("It is too late"), { code: "disk_failed" });
    },
  );

  test("a disk that is taken away tells so by itself", async (disk, place) => {
    await place.takeAway();
    assert.equal((await disk.lost).kind, "gone");
  });

  test("close() waits for the commits under way, and can be called again", async (disk, place) => {
    const commits = [1, 2, 3].map((i) => disk.commit([{ key: ["k", i], value: Uint8Array.of(i) }]));
    await disk.close();
    await Promise.all(commits);
    await disk.close();
    await assert.rejects(disk.get(["k", 1]), { code: "stopped" });
    await assert.rejects(disk.range({ start: ["k"], end: ["l"] }, 1), { code: "stopped" });
    await assert.rejects(disk.commit([{ key: ["k"], value: Uint8Array.of(1) }]), {
      code: "stopped",
    });
    await assert.rejects(disk.setAside("It is closed"), { code: "stopped" });
    const again = await place.open();
    assert.equal((await again.range({ start: ["k"], end: ["l"] }, 9)).length, 3);
    await again.close();
  });
}

async function refused(disk: Disk, batch: Parameters<Disk["commit"]>[0]): Promise<void> {
  await assert.rejects(disk.commit(batch), RangeError);
}

function same(a: DiskKey, b: DiskKey): boolean {
  return compareDiskKeys(a, b) === 0;
}

function plain({ key, value }: DiskEntry): unknown {
  return [key.map((part) => (part instanceof Uint8Array ? [...part] : part)), [...value]];
}
