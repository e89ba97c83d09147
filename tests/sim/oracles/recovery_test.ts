import { storedObjects } from "../../../src/replica/stored_objects.ts";
import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { DataObject } from "../../../src/crdt/data_object.ts";
import { openStorage } from "../../../src/storage/storage.ts";
import { Platter } from "../platter.ts";
import { recoveryProblems } from "./recovery.ts";

const PLACES = ["a", "b"].map((key) => ({ key, partition: 3 }));

function objectOf(text: string): DataObject {
  const value = { kind: "text", bytes: utf8(text) } as const;
  const opaque = DataObject.empty.opaque.add({ actor: "n1~1", time: 5 }, value);
  return new DataObject(opaque, DataObject.empty.expiry, DataObject.empty.values);
}

/** A platter on which a node has written both keys, and then lost its power. */
async function written(): Promise<Platter> {
  const platter = new Platter();
  const disk = platter.open();
  const storage = await openStorage(disk, storedObjects());
  for (const { key, partition } of PLACES) {
    await storage.commit([{ partition, key: utf8(key), object: objectOf(`value of ${key}`) }]);
  }
  disk.crash();
  return platter;
}

Deno.test("what was durable is recovered, from the journal and from nothing", async () => {
  assert.deepEqual(await recoveryProblems(await written(), PLACES), []);
  assert.deepEqual(await recoveryProblems(new Platter(), PLACES), []);
});

Deno.test("a journal whose last entry is gone is found out", async () => {
  class Forgetful extends Platter {
    override copy(): Platter {
      const copy = super.copy();
      const last = copy.entries().filter(({ key }) => key[0] === "j").at(-1)!;
      copy.apply([{ key: last.key, value: undefined }]);
      return copy;
    }
  }
  const platter = new Forgetful();
  platter.restore(await written());
  assert.deepEqual(await recoveryProblems(platter, PLACES), [
    "b is not recovered as it was durable",
  ]);
});

Deno.test("damage that nobody did is found out, and damage that was done must be called corrupt", async () => {
  const platter = await written();
  const [entry] = platter.entries().filter(({ key }) => key[0] === "j");
  entry!.value[entry!.value.length - 1]! ^= 1;
  const problems = await recoveryProblems(platter, PLACES);
  assert.match(problems.join(), /A node cannot start: Corrupt data/);
  platter.isDamaged = true;
  assert.deepEqual(await recoveryProblems(platter, PLACES), []);
});
