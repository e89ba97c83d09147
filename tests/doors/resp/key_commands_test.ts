import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../../src/base/bytes.ts";
import { Failure, type Reply, withDoor } from "./raw_client.ts";

Deno.test("DEL removes keys and counts those that were there", () =>
  withDoor(async ({ api, client }) => {
    await client.call("MSET a 1 b 2 c 3");
    assert.equal(await client.call("DEL a none b a"), 2);
    assert.equal(await client.call("EXISTS a b c c"), 2);
    assert.equal(await client.call("UNLINK c"), 1);
    // An absent key is not written, and a present one only as far as it was read.
    const deletes = api.calls.filter(({ method }) => method === "delete");
    assert.deepEqual(deletes.map(({ key }) => utf8Text(key!)).sort(), ["a", "b", "c"]);
    assert.ok(deletes.every(({ options }) => typeof options.context === "string"));
  }));

Deno.test("DEL leaves a value that was written after it had read", () =>
  withDoor(async ({ api, client }) => {
    await client.call("SET k old");
    api.before = async ({ method }) => {
      if (method !== "delete") return;
      api.before = undefined;
      const { context } = await api.get(utf8("k"));
      await api.put(utf8("k"), { kind: "bytes", bytes: utf8("new") }, { context: context() });
    };
    assert.equal(await client.call("DEL k"), 1);
    assert.equal(await client.call("GET k"), "new");
  }));

Deno.test("TYPE knows strings", () =>
  withDoor(async ({ client }) => {
    assert.equal(await client.call("TYPE k"), "none");
    await client.call("SET k v");
    assert.equal(await client.call("TYPE k"), "string");
  }));

Deno.test("TTL and its kin tell how long a key lives, rounded as Redis does", () =>
  withDoor(async ({ api, client }) => {
    const all = async (key: string) => [
      await client.call("TTL", key),
      await client.call("PTTL", key),
      await client.call("EXPIRETIME", key),
      await client.call("PEXPIRETIME", key),
    ];
    assert.deepEqual(await all("none"), [-2, -2, -2, -2]);
    await client.call("SET k v");
    assert.deepEqual(await all("k"), [-1, -1, -1, -1]);
    await client.call("SET k v PX 2499");
    assert.deepEqual(await all("k"), [2, 2499, 1_800_000_002, 1_800_000_002_499]);
    await client.call("SET k v PX 2500");
    assert.deepEqual(await all("k"), [3, 2500, 1_800_000_003, 1_800_000_002_500]);
    api.now += 2499;
    assert.deepEqual((await all("k")).slice(0, 2), [0, 1]);
    api.now += 1;
    assert.deepEqual(await all("k"), [-2, -2, -2, -2]);
  }));

Deno.test("EXPIRE and its kin set when a key ends", () =>
  withDoor(async ({ api, client }) => {
    await client.call("SET k v");
    const cases: [string, number][] = [
      ["EXPIRE k 10", api.now + 10_000],
      ["PEXPIRE k 10", api.now + 10],
      ["EXPIREAT k 1900000000", 1_900_000_000_000],
      ["PEXPIREAT k 1900000000001", 1_900_000_000_001],
    ];
    for (const [command, end] of cases) {
      assert.equal(await client.call(command), 1, command);
      assert.equal(await client.call("PEXPIRETIME k"), end, command);
      assert.equal(await client.call(command.replace(" k ", " none ")), 0, command);
    }
    assert.equal(await client.call("PERSIST k"), 1);
    assert.equal(await client.call("PERSIST k"), 0);
    assert.equal(await client.call("PERSIST none"), 0);
    assert.equal(await client.call("TTL k"), -1);
  }));

Deno.test("EXPIRE with a time in the past deletes", () =>
  withDoor(async ({ api, client }) => {
    for (const command of ["EXPIRE k 0", "PEXPIRE k -5", "EXPIREAT k 1", "PEXPIREAT k 1"]) {
      await client.call("SET k v");
      assert.equal(await client.call(command), 1, command);
      assert.equal(await client.call("GET k"), null, command);
      assert.equal(await client.call(command), 0, command);
    }
    assert.equal(api.calls.filter(({ method }) => method === "delete").length, 4);
  }));

Deno.test("EXPIRE says what is wrong in the words of Redis", () =>
  withDoor(async ({ client }) => {
    const cases: [string, string][] = [
      ["EXPIRE k", "ERR wrong number of arguments for 'expire' command"],
      ["EXPIRE k abc", "ERR value is not an integer or out of range"],
      ["EXPIRE k 9223372036854775807", "ERR invalid expire time in 'expire' command"],
      ["PEXPIRE k 9223372036854775807", "ERR invalid expire time in 'pexpire' command"],
      ["EXPIRE k 1 FOO", "ERR Unsupported option FOO"],
    ];
    for (const [command, message] of cases) {
      assert.deepEqual(await client.call(command), new Failure(message), command);
    }
  }));

Deno.test("an end beyond 2^53 milliseconds is stored as the latest there is", () =>
  withDoor(async ({ client }) => {
    for (const command of ["SET k v PXAT 9223372036854775807", "SET k v EXAT 9223372036854775"]) {
      assert.equal(await client.call(command), "OK", command);
      assert.equal(await client.call("PEXPIRETIME k"), Number.MAX_SAFE_INTEGER, command);
    }
    assert.equal(await client.call("PEXPIREAT k 9223372036854775807"), 1);
    assert.equal(await client.call("EXISTS k"), 1);
    // That is the end which is compared with what GT and LT ask for.
    assert.equal(await client.call("PEXPIREAT k 9223372036854775807 GT"), 0);
    assert.equal(await client.call("PEXPIREAT k -9223372036854775808"), 1);
    assert.equal(await client.call("EXISTS k"), 0);
  }));

Deno.test("SCAN walks over every key once, some partitions a call", () =>
  withDoor(async ({ api, client }) => {
    const names = Array.from({ length: 200 }, (_, i) => `key:${i}`);
    for (const name of names) await api.put(utf8(name), { kind: "bytes", bytes: utf8("v") });
    const found: Reply[] = [];
    let cursor: Reply = "0";
    let calls = 0;
    do {
      const page: Reply = await client.call(`SCAN ${cursor} COUNT 20`);
      assert.ok(Array.isArray(page) && Array.isArray(page[1]));
      found.push(...page[1]);
      cursor = page[0];
      calls++;
    } while (cursor !== "0");
    assert.deepEqual(found.sort(), [...names].sort());
    assert.ok(calls > 2 && calls <= 10, `${calls} calls`);
    assert.deepEqual(await client.call("SCAN 1000000"), ["0", []]);
    const everything = await client.call("SCAN 0 COUNT 1000000");
    assert.ok(Array.isArray(everything));
    assert.equal(everything[0], "0");
    assert.equal((everything[1] as Reply[]).length, 200);
  }));

Deno.test("SCAN reads on, page by page, until COUNT keys are found", () =>
  withDoor(async ({ api, client }) => {
    // The node gives at most a thousand keys and what is left of their last partition.
    const value = { kind: "bytes", bytes: utf8("v") } as const;
    for (let i = 0; i < 2000; i++) await api.put(utf8(`k${i}`), value);
    api.calls.length = 0;
    const [cursor, keys] = await client.call("SCAN 0 COUNT 1500") as [string, string[]];
    assert.ok(keys.length >= 1500 && keys.length < 2000, `${keys.length} keys`);
    assert.ok(Number(cursor) > 0);
    assert.ok(api.calls.length > 1);
    assert.ok(api.calls.every(({ options }) => options.wholePartitions === true));
  }));

Deno.test("SCAN reads no further page after half a second", () =>
  withDoor(async ({ api, client }) => {
    const value = { kind: "bytes", bytes: utf8("v") } as const;
    for (let i = 0; i < 3000; i++) await api.put(utf8(`k${i}`), value);
    api.calls.length = 0;
    api.before = async ({ method }) => {
      if (method === "scan") await new Promise((resolve) => setTimeout(resolve, 510));
    };
    const [cursor, keys] = await client.call("SCAN 0 COUNT 2500") as [string, string[]];
    assert.equal(api.calls.length, 1);
    assert.ok(Number(cursor) > 0 && keys.length < 2500, `${keys.length} keys`);
  }));

Deno.test("SCAN filters by pattern and by type", () =>
  withDoor(async ({ api, client }) => {
    await client.call("MSET user:1 a user:2 b other c");
    const found = async (words: string) => {
      const [cursor, keys] = await client.call(`SCAN 0 COUNT 100 ${words}`) as [string, string[]];
      assert.equal(cursor, "0");
      return [...keys].sort();
    };
    assert.deepEqual(await found("MATCH user:*"), ["user:1", "user:2"]);
    assert.deepEqual(api.calls.at(-1)?.options.prefix, utf8("user:"));
    assert.deepEqual(await found("MATCH *2"), ["user:2"]);
    assert.deepEqual(await found("TYPE string"), ["other", "user:1", "user:2"]);
    assert.deepEqual(await found("TYPE hash"), []);
  }));

Deno.test("SCAN says what is wrong in the words of Redis", () =>
  withDoor(async ({ client }) => {
    const cases: [string, string][] = [
      ["SCAN", "ERR wrong number of arguments for 'scan' command"],
      ["SCAN abc", "ERR invalid cursor"],
      ["SCAN 99999999999999999999999", "ERR invalid cursor"],
      ["SCAN 0 COUNT 0", "ERR syntax error"],
      ["SCAN 0 COUNT x", "ERR value is not an integer or out of range"],
      ["SCAN 0 MATCH", "ERR syntax error"],
      ["SCAN 0 FOO 1", "ERR syntax error"],
    ];
    for (const [command, message] of cases) {
      assert.deepEqual(await client.call(command), new Failure(message), command);
    }
  }));

Deno.test("KEYS and DBSIZE read every page", () =>
  withDoor(async ({ api, client }) => {
    const value = { kind: "bytes", bytes: utf8("v") } as const;
    for (let i = 0; i < 1500; i++) await api.put(utf8(`k${i}`), value);
    await client.call("DEL k7");
    assert.equal(await client.call("DBSIZE"), 1499);
    assert.equal((await client.call("KEYS *") as Reply[]).length, 1499);
    const found = await client.call("KEYS k1[0-4]") as string[];
    assert.deepEqual([...found].sort(), ["k10", "k11", "k12", "k13", "k14"]);
  }));
