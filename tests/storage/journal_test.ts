import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { Journal } from "../../src/storage/journal.ts";
import {
  JOURNAL_HEADER_BYTES,
  type JournalChange,
  sealEntry,
} from "../../src/storage/journal_format.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { CorruptError, DenamoError } from "../../src/wire/errors.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { Gate, textCodec, turns } from "./fixtures.ts";

function change(key: string, body: string | undefined, piecesBefore = 0): JournalChange {
  return {
    place: { table: "object", partition: 7, key: utf8(key) },
    body: body === undefined ? undefined : utf8(body),
    isApart: false,
    parts: undefined,
    clearsParts: false,
    piecesBefore,
  };
}

/** Each change of a replay as a text. */
async function replayed(image: DiskImage, partBytes?: number): Promise<string[]> {
  const found: string[] = [];
  await new Journal(image.open(), partBytes).replay(({ place, body, piecesBefore }, sequence) => {
    const { table, partition, key } = place;
    const object = body === undefined ? "removed" : utf8Text(body);
    found.push(`${sequence} ${table}/${partition}/${utf8Text(key)} ${object} ${piecesBefore}`);
  });
  return found;
}

Deno.test("a journal gives back what was appended to it, in order, and goes on behind it", async () => {
  const image = new DiskImage();
  const journal = new Journal(image.open());
  assert.equal(await journal.append([change("alice", "bread"), change("bob", undefined, 12)]), 1);
  const meta: JournalChange = {
    ...change("", "x", 3),
    place: { table: "meta", partition: 0, key: utf8("layout") },
  };
  assert.equal(await journal.append([meta, change("alice", "")]), 2);
  assert.deepEqual(await replayed(image), [
    "1 object/7/alice bread 0",
    "1 object/7/bob removed 12",
    "2 meta/0/layout x 3",
    "2 object/7/alice  0",
  ]);

  const again = new Journal(image.open());
  await again.replay(() => {});
  assert.deepEqual(again.entries, journal.entries);
  assert.equal(again.bytes, journal.bytes);
  assert.equal(await again.append([change("carol", "jam")]), 3);
  image.apply(again.removalOf(again.entries[0]!));
  again.forget(1);
  assert.deepEqual((await replayed(image)).map((text) => text[0]), ["2", "2", "3"]);
});

Deno.test("every entry survives, however it is cut, and across many pages", async () => {
  const bodies = fc.array(fc.string({ unit: "grapheme-ascii", maxLength: 40 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(bodies, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), async (
      entries,
      partBytes,
    ) => {
      const image = new DiskImage({ batchChanges: 10_000, batchBytes: 1e6, batchKeyBytes: 1e6 });
      const journal = new Journal(image.open(), partBytes);
      const expected: string[] = [];
      for (const [at, bodies] of entries.entries()) {
        await journal.append(bodies.map((body, index) => change(`${index}`, body)));
        bodies.forEach((body, index) => expected.push(`${at + 1} object/7/${index} ${body} 0`));
      }
      assert.deepEqual(await replayed(image, partBytes), expected);
      assert.deepEqual(await replayed(image), expected, "another size reads them");
      const stored = image.entries().reduce((sum, { value }) => sum + value.length, 0);
      assert.equal(journal.bytes, stored);
      for (const entry of journal.entries) image.apply(journal.removalOf(entry));
      assert.equal(image.size, 0);
    }),
    { numRuns: 40 },
  );
});

Deno.test("a commit that failed is replaced by the next one, also where it was longer", async () => {
  const gate = new Gate(["commit"]);
  const image = new DiskImage();
  const journal = new Journal(image.open(gate), 10);
  const append = async (body: string, how?: "well" | "after") => {
    const appended = journal.append([change("alice", body)]);
    await turns();
    gate.waiting[0]!.end(how);
    await appended;
  };
  await append("one");
  await assert.rejects(append("x".repeat(90), "after"));
  assert.equal((await replayed(image)).length, 2);
  assert.ok(image.size > 8);
  await assert.rejects(append("y".repeat(40), "after"));
  await append("two");
  assert.deepEqual(await replayed(image), ["1 object/7/alice one 0", "2 object/7/alice two 0"]);
  for (const entry of journal.entries) image.apply(journal.removalOf(entry));
  assert.equal(image.size, 0);
});

/** What change("a", "x") takes in an entry. */
const CHANGE_BYTES = 7;

/** A journal of three entries of three values each, of which every one would make sense alone. */
async function smallJournal(): Promise<DiskImage> {
  const image = new DiskImage();
  const journal = new Journal(image.open(), CHANGE_BYTES);
  for (const key of ["a", "b", "c"]) {
    await journal.append(["x", "y", "z"].map((body) => change(key, body)));
  }
  assert.equal(image.size, 9);
  return image;
}

Deno.test("a bit that flips anywhere in the journal makes the start fail, and names the entry", async () => {
  const image = await smallJournal();
  for (const { key, value } of image.entries()) {
    for (let bit = 0; bit < value.length * 8; bit++) {
      value[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(openStorage(image.open(), textCodec), (error) => {
        assert.ok(error instanceof CorruptError);
        assert.equal(error.where, `entry ${key[1]} of the journal`);
        return true;
      });
      value[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
  assert.equal((await replayed(image)).length, 9);
});

Deno.test("a value of the journal that was cut short is corrupt", async () => {
  const image = await smallJournal();
  for (const { key, value } of image.entries()) {
    for (let length = 0; length < value.length; length++) {
      image.apply([{ key, value: value.slice(0, length) }]);
      await assert.rejects(replayed(image), CorruptError);
    }
    image.apply([{ key, value }]);
  }
});

Deno.test("a value of the journal that is missing or lies elsewhere is corrupt", async () => {
  const image = await smallJournal();
  const entries = image.entries();
  for (const removed of entries) {
    image.apply([{ key: removed.key }]);
    await assert.rejects(replayed(image), CorruptError);
    for (const other of entries) {
      if (other === removed) continue;
      image.apply([{ key: removed.key, value: other.value }]);
      await assert.rejects(replayed(image), CorruptError);
    }
    image.apply([{ key: removed.key, value: removed.value }]);
  }
  image.apply(entries.filter(({ key }) => key[1] === 2).map(({ key }) => ({ key })));
  await assert.rejects(replayed(image), {
    message: "Corrupt data in entry 2 of the journal: it is missing, or its end is",
  });
});

Deno.test("a value after which others than those there should follow is corrupt", async () => {
  const image = await smallJournal();
  const part = image.get(["j", 2, 0])!.slice(JOURNAL_HEADER_BYTES);
  for (const count of [1, 2, 4]) {
    const whole = new Uint8Array(count * CHANGE_BYTES);
    whole.set(part);
    image.apply([{ key: ["j", 2, 0], value: sealEntry(2, whole, CHANGE_BYTES)[0]! }]);
    await assert.rejects(replayed(image), CorruptError);
  }
});

Deno.test("an entry with a right checksum that makes no sense is corrupt", async () => {
  const image = new DiskImage();
  for (const bytes of [[4, 0, 0, 0], [0, 1], [0, 7, 1, 65, 0, 9, 1]]) {
    image.apply([{ key: ["j", 1, 0], value: sealEntry(1, Uint8Array.from(bytes), 99)[0]! }]);
    await assert.rejects(replayed(image), CorruptError);
  }
});

Deno.test("a start that cannot read the journal says so and gives the disk back", async () => {
  const before = (operation: { kind: string }) => {
    if (operation.kind === "range") throw new Error("unplugged");
  };
  const disk = new DiskImage().open({ before });
  await assert.rejects(
    openStorage(disk, textCodec),
    (error) => error instanceof DenamoError && error.code === "disk_failed",
  );
  await assert.rejects(disk.get(["o"]), { code: "stopped" });
});

/** Batches of two values of 40 bytes each, and of many removals. */
const SMALL_BATCHES = { batchBytes: 200 };

const LONG = "a text of more bytes than fit one batch of the disk ".repeat(5);

Deno.test("an entry that is larger than a batch is written in several and replayed as one", async () => {
  const image = new DiskImage(SMALL_BATCHES);
  const commits: number[] = [];
  const journal = new Journal(
    image.open({
      before: (operation) => {
        if (operation.kind === "commit") commits.push(operation.batch.length);
      },
    }),
    40,
  );
  await journal.append([change("alice", "bread")]);
  await journal.append([change("bob", LONG)]);
  assert.ok(commits.length > 3 && commits.every((count) => count <= 3), `${commits}`);
  assert.deepEqual(await replayed(image, 40), [
    "1 object/7/alice bread 0",
    `2 object/7/bob ${LONG} 0`,
  ]);
  const { valueCount } = journal.entries[1]!;
  assert.equal(journal.removalOf(journal.entries[1]!).length, valueCount);
});

Deno.test("of an entry that a crash or an error has cut off nothing is replayed, and nothing completes the next", async () => {
  for (let failing = 2; failing <= 4; failing++) {
    const image = new DiskImage(SMALL_BATCHES);
    let commits = 0;
    const faults = {
      before: ({ kind }: { readonly kind: string }) => {
        if (kind === "commit" && ++commits === 1 + failing) throw new Error("no room");
      },
    };
    const journal = new Journal(image.open(faults), 40);
    await journal.append([change("alice", "bread")]);
    await assert.rejects(journal.append([change("bob", LONG)]), /no room/);
    assert.deepEqual(await replayed(image, 40), ["1 object/7/alice bread 0"], "after a crash");

    const afterCrash = image.copy();
    const again = new Journal(afterCrash.open(), 40);
    await again.replay(() => {});
    for (const [goesOn, on] of [[journal, image], [again, afterCrash]] as const) {
      assert.equal(await goesOn.append([change("carol", "jam")]), 2);
      const expected = ["1 object/7/alice bread 0", "2 object/7/carol jam 0"];
      assert.deepEqual(await replayed(on, 40), expected);
      assert.equal(on.size, 2, "what was left over is gone");
    }
  }
});

Deno.test("a whole value of another version is told from one whose bits have changed", async () => {
  const versioned = async (version: number, flip: number) => {
    const image = new DiskImage();
    const value = sealEntry(1, Uint8Array.of(2, 0, 1, 0x6b, 0), 99)[0]!;
    value[0] = version;
    value[value.length - 1]! ^= flip;
    image.apply([{ key: ["j", 1, 0], value }]);
    try {
      await replayed(image);
    } catch (error) {
      assert.ok(error instanceof CorruptError, String(error));
      return error.isOtherVersion;
    }
    return undefined;
  };
  assert.equal(await versioned(1, 0), undefined, "it can be read");
  assert.equal(await versioned(2, 0), true);
  assert.equal(await versioned(2, 1), false);
  assert.equal(await versioned(1, 1), false);
});
