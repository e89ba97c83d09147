// Keyv on Redis: several at once, which it sends as MULTI … EXEC, and clearing a namespace.

import assert from "node:assert/strict";
import process from "node:process";
import KeyvRedis from "@keyv/redis";
import Keyv from "keyv";

const stores = process.env.NODES.split(" ").map((address) =>
  new Keyv({ store: new KeyvRedis(`redis://${address}`), namespace: "keyv", throwOnErrors: true })
);
const [first, second, third] = stores;

try {
  await first.set("user", { name: "Ada", tags: ["a", 1] });
  assert.deepEqual(await second.get("user"), { name: "Ada", tags: ["a", 1] });
  assert.equal(await third.has("user"), true);
  assert.equal(await third.get("none"), undefined);

  await first.set("short", "v", 60);
  const deadline = Date.now() + 10_000;
  while (await second.get("short") !== undefined) assert.ok(Date.now() < deadline, "it stays");

  const entries = Array.from(
    { length: 40 },
    (_, i) => ({ key: `many${i}`, value: i, ttl: 100_000 }),
  );
  const keys = entries.map(({ key }) => key);
  await first.setMany(entries);
  assert.deepEqual(await second.getMany(keys), [...keys.keys()]);
  assert.deepEqual(await third.hasMany([...keys, "none"]), [...keys.map(() => true), false]);
  assert.equal(await second.deleteMany(keys), true);
  assert.deepEqual(await first.getMany(keys), keys.map(() => undefined));

  const found = [];
  for await (const [key] of second.iterator("keyv")) found.push(key);
  assert.deepEqual(found, ["user"]);
  assert.equal(await second.delete("user"), true);
  assert.equal(await second.delete("user"), false);
  await first.set("left", 1);
  await third.clear();
  assert.equal(await first.get("left"), undefined);
} finally {
  await Promise.all(stores.map((store) => store.disconnect()));
}
