// unstorage with its Redis driver, as Nitro and Nuxt use it.

import assert from "node:assert/strict";
import process from "node:process";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";

const storages = process.env.NODES.split(" ").map((address) => {
  const [host, port] = address.split(":");
  return createStorage({ driver: redisDriver({ base: "us", host, port: Number(port) }) });
});
const [first, second, third] = storages;

try {
  await first.setItem("users:ada", { name: "Ada" });
  assert.deepEqual(await second.getItem("users:ada"), { name: "Ada" });
  assert.equal(await third.hasItem("users:ada"), true);
  assert.equal(await third.getItem("none"), null);
  await first.setItemRaw("raw", new Uint8Array([0, 255, 10]));
  assert.deepEqual([...await second.getItemRaw("raw")], [0, 255, 10]);
  await first.setItem("timed", "v", { ttl: 100 });
  await second.setItems([{ key: "users:bob", value: 1 }, { key: "posts:1", value: 2 }]);
  const items = await third.getItems(["users:bob", "posts:1", "none"]);
  assert.deepEqual(items.map(({ value }) => value), [1, 2, null]);
  assert.deepEqual((await first.getKeys("users")).sort(), ["users:ada", "users:bob"]);
  await third.removeItem("users:bob");
  assert.equal(await first.hasItem("users:bob"), false);
  assert.deepEqual((await first.getKeys()).sort(), ["posts:1", "raw", "timed", "users:ada"]);
  await second.clear();
  assert.deepEqual(await third.getKeys(), []);
} finally {
  await Promise.all(storages.map((storage) => storage.dispose()));
}
