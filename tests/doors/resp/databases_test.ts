// What Redis answers is compared in tests/redis; here is what reaches the node, and what other doors see.

import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../../src/base/bytes.ts";
import { storedKey } from "../../../src/base/database_key.ts";
import { Databases } from "../../../src/doors/resp/databases.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import { LIMITS } from "../../../src/wire/limits.ts";
import { FakeNodeApi } from "../fake_node_api.ts";
import { Failure, type RawClient, type Reply, withDoor } from "./raw_client.ts";

Deno.test("each connection has a database of its own", () =>
  withDoor(async ({ api, client, connect }) => {
    const other = await connect();
    await client.call("SELECT 3");
    await client.call("SET k three");
    assert.equal(await other.call("GET k"), null);
    await other.call("SET k zero");
    assert.equal(await client.call("GET k"), "three");
    assert.deepEqual(api.calls.map(({ key }) => utf8Text(key!)), [
      "\x1edb3\x1ek",
      "k",
      "k",
      "\x1edb3\x1ek",
    ]);
  }));

Deno.test("HTTP and TypeScript find a key of database 0 by its name", () =>
  withDoor(async ({ api, client }) => {
    await api.put(utf8("cart"), { kind: "text", bytes: utf8("milk") });
    assert.equal(await client.call("GET cart"), "milk");
    await api.put(utf8("\x1edb7\x1ecart"), { kind: "text", bytes: utf8("eggs") });
    assert.deepEqual(await client.call("KEYS *"), ["cart"]);
    await client.call("SELECT 7");
    assert.equal(await client.call("GET cart"), "eggs");
  }));

Deno.test("every command that names keys names those of the database", () =>
  withDoor(async ({ api, client }) => {
    const commands = [
      ...["SET a v", "GET a", "MSET a v b w", "MGET a b", "STRLEN a", "GETRANGE a 0 1", "DEL a b"],
      ...["INCR c", "INCRBY c 2", "EXPIRE c 100", "TTL c", "PERSIST c", "TYPE c", "EXISTS c a"],
      ...["SADD s x", "SMEMBERS s", "SUNION s t", "SSCAN s 0", "HSET h f v", "HGETALL h"],
      ...["HSCAN h 0", "PFADD p x", "PFCOUNT p q", "PFMERGE p q", "SCAN 0 TYPE set", "UNLINK s"],
      ...["DN.SET d v", "DN.GET d", "DN.INCRBY e 1", "DN.DEL d", "SETEX x 10 v"],
    ];
    await client.call("SELECT 12");
    for (const command of commands) {
      assert.ok(!(await client.call(command) instanceof Failure), command);
    }
    const keys = api.calls.flatMap(({ key }) => key === undefined ? [] : [utf8Text(key)]);
    assert.ok(keys.length > commands.length);
    assert.deepEqual(keys.filter((key) => !key.startsWith("\x1edb12\x1e")), []);
  }));

Deno.test("SCAN gives every key of its database once, whatever is in the others", () =>
  withDoor(async ({ client }) => {
    const names = Array.from({ length: 40 }, (_, i) => `k${i}`);
    for (const database of [0, 1, 10]) {
      await client.call(`SELECT ${database}`);
      for (const name of names) await client.call(`SET ${name} v`);
    }
    for (const database of [0, 1, 10]) {
      await client.call(`SELECT ${database}`);
      for (const options of ["COUNT 3", "COUNT 3 MATCH k*", "COUNT 1000"]) {
        assert.deepEqual(await scanned(client, options), names.toSorted());
      }
      assert.equal(await client.call("DBSIZE"), 40);
    }
  }));

async function scanned(client: RawClient, options: string): Promise<string[]> {
  const found: string[] = [];
  let cursor = "0";
  do {
    const [next, keys] = await client.call(`SCAN ${cursor} ${options}`) as [string, string[]];
    found.push(...keys);
    cursor = next;
  } while (cursor !== "0");
  return found.sort();
}

Deno.test("a pattern longer than any key finds none", async () => {
  const api = new FakeNodeApi();
  await api.put(storedKey(1, utf8("k")), { kind: "text", bytes: utf8("") });
  const prefix = new Uint8Array(LIMITS.key - 3);
  const from = { partition: 0 };
  const page = await new Databases(api).of(1).scan({ from, prefix, limit: 10 });
  assert.deepEqual(page, { keys: [], next: undefined });
});

Deno.test("a key is shorter by what is put before it", async () => {
  const databases = new Databases(new FakeNodeApi());
  const value = { kind: "text", bytes: utf8("") } as const;
  await databases.of(9).put(new Uint8Array(LIMITS.key - 5), value);
  const stored = storedKey(9, new Uint8Array(LIMITS.key - 5));
  assert.equal(stored.length, LIMITS.key);
});

Deno.test("FLUSHDB deletes the keys of its database, FLUSHALL those of all", () =>
  withDoor(async ({ client }) => {
    for (const database of [0, 1, 2]) {
      await client.call(`SELECT ${database}`);
      for (let i = 0; i < 30; i++) await client.call(`SET k${i} v`);
    }
    const sizes = async () => {
      const found: Reply[] = [];
      for (const database of [0, 1, 2]) {
        await client.call(`SELECT ${database}`);
        found.push(await client.call("DBSIZE"));
      }
      return found;
    };
    await client.call("SELECT 1");
    assert.equal(await client.call("FLUSHDB"), "OK");
    assert.deepEqual(await sizes(), [30, 0, 30]);
    await client.call("SELECT 0");
    assert.equal(await client.call("FLUSHDB async"), "OK");
    assert.deepEqual(await sizes(), [0, 0, 30]);
    assert.equal(await client.call("FLUSHALL"), "OK");
    assert.deepEqual(await sizes(), [0, 0, 0]);
  }));

Deno.test("a flush that fails says whether anything may be deleted", () =>
  withDoor(async ({ api, client }) => {
    const quorum = new DenamoError("quorum", "no", "Cannot reach a quorum");
    api.failNext(quorum, "scan");
    assert.match((await client.call("FLUSHDB") as Failure).message, /\(outcome: no\)$/);
    for (let i = 0; i < LIMITS.scanPageCount + 1; i++) {
      await api.put(utf8(`k${i}`), { kind: "text", bytes: utf8("") });
    }
    let scans = 0;
    api.before = ({ method }) => {
      if (method === "scan" && ++scans === 2) throw quorum;
    };
    assert.match((await client.call("FLUSHDB") as Failure).message, /\(outcome: unknown\)$/);
    api.before = undefined;
    assert.equal(await client.call("DBSIZE"), 1);
  }));
