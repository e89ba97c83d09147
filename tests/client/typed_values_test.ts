import assert from "node:assert/strict";
import { Database } from "../../src/client/database.ts";
import { UndecodedValue } from "../../src/client/keys_and_values.ts";
import { TooLargeError } from "../../src/wire/errors.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { FakeNodeApi } from "../doors/fake_node_api.ts";

Deno.test("a counter, a set and a map are used as what they are", async () => {
  const db = new Database(new FakeNodeApi());
  assert.equal(await db.counter("visits").value(), 0n);
  assert.equal(await db.counter("visits").add(5), 5n);
  assert.equal(await db.counter("visits").add(-7), -2n);
  const tags = db.set(["tags", 1]);
  assert.equal(await tags.add(["fresh", "local"]), 2);
  assert.equal(await tags.add(Uint8Array.of(255)), 1);
  assert.equal(await tags.delete("fresh"), 1);
  assert.ok(await tags.has("local"));
  assert.deepEqual(await tags.values(), ["local", Uint8Array.of(255)]);
  const user = db.map("user");
  await user.set("name", { first: "Ada" });
  assert.equal(await user.add("logins", 2), 2n);
  assert.deepEqual(await user.get("name"), { first: "Ada" });
  assert.deepEqual(await user.entries(), [["logins", 2n], ["name", { first: "Ada" }]]);
  assert.equal(await user.delete("logins"), true);
  assert.equal(await user.get("logins"), undefined);
  assert.deepEqual((await db.get("user")).types, ["map"]);
  const keys = [];
  for await (const { key } of db.list()) keys.push(String(key));
  assert.deepEqual(keys.sort(), ["tags,1", "user", "visits"]);
});

Deno.test("a value that cannot be decoded is no reason to list nothing", async () => {
  const api = new FakeNodeApi();
  const db = new Database(api);
  const claims = Uint8Array.from({ length: 600 }, () => 0xdc);
  await api.put(new TextEncoder().encode("bad"), { kind: "msgpack", bytes: claims });
  await db.put("good", { n: 1 });
  await assert.rejects(db.get("bad"), { code: "unsupported", outcome: "no" });
  const listed = new Map<unknown, unknown>();
  for await (const { key, value } of db.list()) listed.set(key, value);
  assert.deepEqual(listed.get("good"), { n: 1 });
  const bad = listed.get("bad");
  assert.ok(bad instanceof UndecodedValue);
  assert.deepEqual(bad.bytes, claims);
});

Deno.test("a key that holds a value of another type is refused", async () => {
  const db = new Database(new FakeNodeApi());
  await db.put("name", "Ada");
  await assert.rejects(db.set("name").values(), { code: "wrong_type" });
  await assert.rejects(db.set("name").add("x"), { code: "wrong_type" });
  await assert.rejects(db.counter("name").add(1), { code: "not_a_number" });
});

Deno.test("two programs edit one document, each at its own copy", async () => {
  const db = new Database(new FakeNodeApi());
  const ann = await db.document("text");
  const bob = await db.document("text");
  ann.doc.getText("t").insert(0, "milk");
  bob.doc.getText("t").insert(0, "eggs ");
  await Promise.all([ann.sync(), bob.sync()]);
  await Promise.all([ann.sync(), bob.sync()]);
  const text = ann.doc.getText("t").toString();
  assert.ok(text.includes("milk") && text.includes("eggs"), text);
  assert.equal(bob.doc.getText("t").toString(), text);
  ann.doc.getText("t").insert(0, "tea ");
  await ann[Symbol.asyncDispose]();
  const late = await db.document("text");
  assert.ok(late.doc.getText("t").toString().startsWith("tea "));
  await late[Symbol.asyncDispose]();
  await bob[Symbol.asyncDispose]();
});

Deno.test("what could not be sent is sent at the next time", async () => {
  const api = new FakeNodeApi();
  const document = await new Database(api).document("text");
  document.doc.getText("t").insert(0, "milk");
  api.failNext(new Error("The network is gone"), "update");
  await assert.rejects(document.sync(), /network/);
  await document.sync();
  const other = await new Database(api).document("text");
  assert.equal(other.doc.getText("t").toString(), "milk");
  await document[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

Deno.test("what is changed while a change is being sent is not forgotten", async () => {
  const api = new FakeNodeApi();
  const document = await new Database(api).document("text");
  const text = document.doc.getText("t");
  text.insert(0, "milk");
  api.before = ({ method }) => {
    if (method === "update" && text.length === 4) text.insert(4, " and eggs");
  };
  await document.sync();
  await document.sync();
  const other = await new Database(api).document("text");
  assert.equal(other.doc.getText("t").toString(), "milk and eggs");
  await document[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

Deno.test("ValueMap.get() tells bytes from a text that reads like them", async () => {
  const map = new Database(new FakeNodeApi()).map("m");
  await map.set("255,254", "text");
  assert.equal(await map.get(new Uint8Array([255, 254])), undefined);
  await map.set(new Uint8Array([255, 254]), "bytes");
  assert.equal(await map.get(new Uint8Array([255, 254])), "bytes");
  assert.equal(await map.get("255,254"), "text");
});

Deno.test("more than a node takes at once is sent in pieces", async () => {
  const api = new FakeNodeApi();
  const sizes: number[] = [];
  const update = api.update.bind(api);
  api.update = (key, operations, options) => {
    for (const { operation } of operations) {
      if (operation.kind !== "edit") continue;
      sizes.push(operation.update.length);
      if (operation.update.length > LIMITS.value) throw new TooLargeError("The operations", 1, 2);
    }
    return update(key, operations, options);
  };
  const db = new Database(api);
  const document = await db.document("text");
  const text = document.doc.getText("t");
  for (let i = 0; i < 600; i++) text.insert(0, `${i} `.padEnd(1_000, "x"));
  await document.sync();
  assert.ok(sizes.length > 1 && Math.max(...sizes) < LIMITS.value, String(sizes));
  const other = await db.document("text");
  assert.equal(other.doc.getText("t").toString(), text.toString());
  await document[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

Deno.test("a piece that cannot be sent keeps back neither others nor what others write", async () => {
  const api = new FakeNodeApi();
  const db = new Database(api);
  const ann = await db.document("text");
  const bob = await db.document("text");
  bob.doc.getText("b").insert(0, "eggs");
  await bob.sync();
  ann.doc.getText("large").insert(0, "x".repeat(300_000));
  ann.doc.getText("a").insert(0, "milk");
  api.failNext(new TooLargeError("The operations", 1, 2), "update");
  await assert.rejects(ann.sync(), { code: "too_large" });
  assert.equal(ann.doc.getText("b").toString(), "eggs");
  await bob.sync();
  assert.equal(bob.doc.getText("a").toString(), "");
  await ann.sync();
  await bob.sync();
  assert.equal(bob.doc.getText("a").toString(), "milk");
  assert.equal(bob.doc.getText("large").length, 300_000);
  await ann[Symbol.asyncDispose]();
  await bob[Symbol.asyncDispose]();
});
