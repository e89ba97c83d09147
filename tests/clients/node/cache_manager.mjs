// cache-manager over Keyv: what is made once at one node is found at another.

import assert from "node:assert/strict";
import process from "node:process";
import KeyvRedis from "@keyv/redis";
import { createCache } from "cache-manager";
import { Keyv } from "keyv";

const caches = process.env.NODES.split(" ").map((address) =>
  createCache({
    stores: [new Keyv({ store: new KeyvRedis(`redis://${address}`), namespace: "cm" })],
  })
);
const [first, second, third] = caches;

try {
  await first.set("k", { a: 1 }, 100_000);
  assert.deepEqual(await second.get("k"), { a: 1 });
  assert.ok(await third.ttl("k") > Date.now());
  assert.equal(await third.get("none"), undefined);

  let made = 0;
  const make = () => Promise.resolve(++made);
  assert.equal(await first.wrap("made", make, 100_000), 1);
  assert.equal(await second.wrap("made", make, 100_000), 1);
  assert.equal(made, 1);

  await first.mset([{ key: "a", value: 1 }, { key: "b", value: 2, ttl: 100_000 }]);
  assert.deepEqual(await second.mget(["a", "none", "b"]), [1, undefined, 2]);
  await third.mdel(["a", "b"]);
  assert.deepEqual(await first.mget(["a", "b"]), [undefined, undefined]);
  await second.del("k");
  assert.equal(await third.get("k"), undefined);
  await first.clear();
  assert.equal(await second.get("made"), undefined);
} finally {
  await Promise.all(caches.map((cache) => cache.disconnect()));
}
