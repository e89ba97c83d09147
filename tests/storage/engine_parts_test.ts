// Objects in parts that are too large for one batch of the disk, with an error or a crash at each of its commits.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { DiskImage, type DiskOperation } from "../sim/memory_disk.ts";
import { flushed, Gate, partedCodec, turns, valueCountOf } from "./fixtures.ts";

const KEY = utf8("key");

/** Texts whose characters take two thousand bytes each: so that few of them fit a batch. */
const CODEC = {
  ...partedCodec,
  parts: {
    ...partedCodec.parts!,
    *changedParts(before: string | undefined, after: string) {
      for (const part of partedCodec.parts!.changedParts(before, after)) {
        const body = part.body && utf8(String.fromCharCode(part.body[0]!).repeat(2_000));
        yield { ...part, body };
      }
    },
  },
};

const LIMITS = { batchBytes: 120_000 };
const OPTIONS = { journalPartBytes: 2_000, pieceBytes: 2_000 };

const OLD = "1".padEnd(200, "-");
const YOUNG = "2".padEnd(180, "+");

async function held(image: DiskImage): Promise<string | undefined> {
  const storage = await openStorage(image.copy().open(), partedCodec, OPTIONS);
  const object = await storage.get(7, KEY);
  const [entry] = await storage.range({ partition: 0 }, 9, undefined, 9);
  assert.equal(entry?.object, object);
  await storage.close();
  return object;
}

/** Writes one text over another, flushing both; each commit of the disk is shown to `before`. */
async function overwrite(image: DiskImage, before: (index: number) => void): Promise<boolean> {
  let index = 0;
  const disk = image.open({
    before: ({ kind }: DiskOperation) => {
      if (kind === "commit") before(index++);
    },
  });
  const storage = await openStorage(disk, CODEC, { ...OPTIONS, journalBytes: 0 });
  const write = (object: string, before: string) => {
    return storage.commit([{ partition: 7, key: KEY, object, before }]).then(
      () => true,
      () => false,
    );
  };
  await write(OLD, "");
  await flushed(storage);
  const isWritten = await write(YOUNG, OLD);
  if (isWritten) await flushed(storage);
  else {
    // The storage shows what was there, and what it writes next builds upon that.
    assert.equal(await storage.get(7, KEY), OLD);
    assert.ok(await write("3".padEnd(150, "*"), OLD));
    assert.equal(await held(image), "3".padEnd(150, "*"));
  }
  await storage.close();
  return isWritten;
}

Deno.test("a text in parts is written and read, whatever it takes", async () => {
  const image = new DiskImage(LIMITS);
  let commits = 0;
  assert.ok(await overwrite(image, () => commits++));
  assert.ok(commits > 15, `${commits} commits`);
  assert.equal(await held(image), YOUNG);
  assert.equal(image.size, 181, "a head and the parts, and nothing of the journal");
});

Deno.test("a crash before any commit of the disk leaves one text or the other, whole", async () => {
  const seen = new Set<string | undefined>();
  const image = new DiskImage(LIMITS);
  const copies: DiskImage[] = [];
  await overwrite(image, () => copies.push(image.copy()));
  for (const copy of copies) {
    const text = await held(copy);
    assert.ok(text === undefined || text === OLD || text === YOUNG);
    seen.add(text);
  }
  assert.deepEqual([...seen], [undefined, OLD, YOUNG], "and never goes back");
});

Deno.test("a commit of the disk that fails leaves what was there, for later changes to build upon", async () => {
  let failures = 0;
  for (let failing = 0, isDone = false; !isDone; failing++) {
    isDone = true;
    const image = new DiskImage(LIMITS);
    let isOld = true;
    const isWritten = await overwrite(image, (index) => {
      if (index !== failing) return;
      isDone = false;
      throw new Error("failed");
    }).catch(() => isOld = false);
    if (isWritten === false && isOld) failures++;
    const text = await held(image);
    assert.ok([OLD, YOUNG, "3".padEnd(150, "*"), undefined].includes(text), `${text}`);
  }
  assert.ok(failures > 2, "some failed while the second text went to the journal");
});

Deno.test("what another program has put in parts, or has not, is read and changed all the same", async () => {
  for (const [first, second] of [[6, 1_000], [1_000, 6]] as const) {
    const image = new DiskImage();
    const from = (length: number) => ({
      ...partedCodec,
      parts: { ...partedCodec.parts!, isApart: (text: string) => text.length >= length },
    });
    const written = await openStorage(image.open(), from(first), { journalBytes: 0 });
    await written.commit([{ partition: 7, key: KEY, object: OLD, before: "" }]);
    await flushed(written);
    await written.close();
    for (const text of ["2".padEnd(210, "-"), "3"]) {
      const storage = await openStorage(image.open(), from(second), { journalBytes: 0 });
      const before = await storage.get(7, KEY);
      await storage.commit([{ partition: 7, key: KEY, object: text, before }]);
      await flushed(storage);
      await storage.close();
      assert.equal(await held(image), text);
    }
    assert.equal(image.size, 1, "and nothing is left behind");
  }
});

Deno.test("a change that clears parts leaves nothing of them, wherever the one before it has come to", async () => {
  // Flushing is due with the second entry of the journal, one record at a time.
  const options = { pieceBytes: 4, journalCount: 1, flushChanges: 1, knowsAbsence: false };
  const [old, young, last] = ["1".padEnd(12, "-"), "2".padEnd(7, "+"), "3".padEnd(8, "*")];
  let cutOff = 0;
  for (let steps = 0; steps < 40; steps++) {
    const image = new DiskImage();
    const gate = new Gate(["commit"]);
    const storage = await openStorage(image.open(gate), partedCodec, options);
    const writes: Promise<void>[] = [];
    const write = (name: string, object: string, before: string | undefined) =>
      void writes.push(storage.commit([{ partition: 7, key: utf8(name), object, before }]));
    for (const [name, object, before] of [["key", old, ""], ["x", "x", ""], ["key", young, old]]) {
      write(name!, object!, before);
      await gate.endAll();
    }
    write("y", "y", "");
    for (let step = 0; step < steps; step++) {
      await turns();
      gate.waiting[0]?.end();
    }
    await turns();
    if (gate.waiting.length > 0) cutOff++;
    // Who does not know what is there clears whatever it may be.
    write("key", last, undefined);
    await gate.endAll();
    await Promise.all(writes);
    await storage.close();

    const again = await openStorage(image.open(), partedCodec, { pieceBytes: 4, journalBytes: 0 });
    await again.setMeta("end", undefined);
    await flushed(again);
    await again.close();
    assert.equal(image.size, 2 + valueCountOf(partedCodec, last, 4), `after ${steps} steps`);
  }
  assert.ok(cutOff > 10, `${cutOff} were cut off`);
});
