import assert from "node:assert/strict";
import { Database } from "../../src/client/database.ts";
import { FakeNodeApi } from "../doors/fake_node_api.ts";

Deno.test("a flag, a register, a maximum, a minimum and a count of what is different", async () => {
  const db = new Database(new FakeNodeApi());
  const flag = db.flag("maintenance");
  assert.equal(await flag.isEnabled(), false);
  await flag.enable();
  assert.equal(await flag.isEnabled(), true);
  await flag.disable();
  assert.equal(await flag.isEnabled(), false);

  assert.equal(await db.register("title").value(), undefined);
  await db.register("title").set({ en: "Milk" });
  await db.register("title").set({ en: "Tea" });
  assert.deepEqual(await db.register("title").value(), { en: "Tea" });

  const [max, min] = [db.max("most"), db.min("least")];
  assert.deepEqual([await max.value(), await min.value()], [undefined, undefined]);
  for (const value of [5, -0.5, 7.25, 6]) {
    await max.raise(value);
    await min.lower(value);
  }
  assert.deepEqual([await max.value(), await min.value()], [7.25, -0.5]);
});

Deno.test("what is different is counted once, also where counts are merged", async () => {
  const db = new Database(new FakeNodeApi());
  const [monday, tuesday, both] = ["mo", "tu", "both"].map((key) => db.distinct(key));
  assert.equal(await both!.value(), 0);
  await monday!.add(["Ann", "Bob"]);
  await tuesday!.add("Bob");
  await tuesday!.add(Uint8Array.of(255));
  await both!.merge([monday!, tuesday!]);
  assert.deepEqual(await Promise.all([monday!, tuesday!, both!].map((it) => it.value())), [
    2,
    2,
    3,
  ]);
});

Deno.test("a map holds flags and numbers beside other values", async () => {
  const db = new Database(new FakeNodeApi());
  const user = db.map("user");
  assert.equal(await user.flag("verified").isEnabled(), false);
  await user.flag("verified").enable();
  await user.max("best").raise(7);
  await user.max("best").raise(5);
  await user.min("worst").lower(3);
  await user.set("name", "Ada");
  assert.equal(await user.flag("verified").isEnabled(), true);
  assert.equal(await user.max("best").value(), 7);
  assert.deepEqual(await user.entries(), [
    ["best", 7],
    ["name", "Ada"],
    ["verified", true],
    ["worst", 3],
  ]);
  await user.flag("verified").disable();
  assert.equal(await user.get("verified"), undefined);
});

Deno.test("what holds a value of another type is refused, in a map as well", async () => {
  const db = new Database(new FakeNodeApi());
  await db.put("name", "Ada");
  const wrong = { code: "wrong_type", outcome: "no" };
  await assert.rejects(db.flag("name").isEnabled(), wrong);
  await assert.rejects(db.max("name").raise(1), wrong);
  await assert.rejects(db.map("name").flag("x").isEnabled(), wrong);
  await db.map("user").set("name", "Ada");
  await assert.rejects(db.map("user").flag("name").isEnabled(), wrong);
  await assert.rejects(db.map("user").max("name").raise(1), wrong);
});
