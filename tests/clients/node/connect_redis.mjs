// Sessions of Express in connect-redis: each request may reach another node.

import assert from "node:assert/strict";
import process from "node:process";
import { promisify } from "node:util";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const clients = await Promise.all(
  process.env.NODES.split(" ").map((address) =>
    createClient({ url: `redis://${address}` }).connect()
  ),
);
const stores = clients.map((client) => new RedisStore({ client, prefix: "sess:", ttl: 100 }));
const of = (store) =>
  Object.fromEntries(
    ["get", "set", "touch", "destroy", "all", "ids", "length", "clear"]
      .map((name) => [name, promisify(store[name].bind(store))]),
  );
const [first, second, third] = stores.map(of);

try {
  const session = { cookie: { originalMaxAge: 50_000 }, user: "Ada", cart: [1, 2] };
  await first.set("a", session);
  assert.deepEqual(await second.get("a"), session);
  assert.equal(await third.get("none") ?? undefined, undefined);
  await second.set("b", { cookie: {}, user: "Bob" });
  await third.touch("a", { ...session, cookie: { expires: new Date(Date.now() + 30_000) } });
  assert.ok(await clients[0].ttl("sess:a") <= 30);
  assert.deepEqual((await first.ids()).sort(), ["a", "b"]);
  assert.equal(await second.length(), 2);
  assert.deepEqual((await third.all()).map(({ id }) => id).sort(), ["a", "b"]);
  await first.destroy("a");
  assert.equal(await second.get("a") ?? undefined, undefined);
  await first.set("over", { cookie: { expires: new Date(Date.now() - 1000) } });
  assert.equal(await second.get("over") ?? undefined, undefined);
  await third.clear();
  assert.equal(await first.length(), 0);
} finally {
  for (const client of clients) client.destroy();
}
