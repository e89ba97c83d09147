import assert from "node:assert/strict";
import { type Failure, type Reply, withDoor } from "./raw_client.ts";

Deno.test("SRANDMEMBER gives as many as are asked for, and not without end", () =>
  withDoor(async ({ client }) => {
    await client.call("SADD s a b c");
    assert.equal((await client.call("SRANDMEMBER s 2") as Reply[]).length, 2);
    assert.equal((await client.call("SRANDMEMBER s -5") as Reply[]).length, 5);
    assert.equal((await client.call("SRANDMEMBER s -10001") as Reply[]).length, 10_001);
    const refused = await client.call("SRANDMEMBER s -1000000000");
    assert.match((refused as Failure).message, /^TOOLARGE The reply is too large/);
  }));

Deno.test("SSCAN walks through a large set page by page", () =>
  withDoor(async ({ client }) => {
    const elements = Array.from({ length: 300 }, (_, i) => `e${i}`);
    await client.call("SADD", "s", ...elements);
    const found: Reply[] = [];
    let cursor: Reply = "0";
    do {
      const [next, page] = await client.call(`SSCAN s ${cursor} COUNT 70`) as [string, Reply[]];
      assert.ok(page.length <= 70);
      found.push(...page);
      cursor = next;
    } while (cursor !== "0");
    assert.deepEqual(found.toSorted(), elements.toSorted());
  }));

Deno.test("SSCAN and HSCAN give everything that is there all the time, whatever is removed meanwhile", () =>
  withDoor(async ({ client }) => {
    const names = Array.from({ length: 300 }, (_, i) => `e${i}`);
    await client.call("SADD", "s", ...names);
    await client.call("HSET", "h", ...names.flatMap((name) => [name, "v"]));
    for (const [scan, remove, key] of [["SSCAN", "SREM", "s"], ["HSCAN", "HDEL", "h"]] as const) {
      const found: string[] = [];
      let cursor = "0";
      do {
        const [next, page] = await client.call(`${scan} ${key} ${cursor}`) as [string, string[]];
        cursor = next;
        for (const name of page.filter((word) => word !== "v")) {
          found.push(name);
          await client.call(`${remove} ${key} ${name}`);
        }
      } while (cursor !== "0");
      assert.deepEqual(found.toSorted(), names.toSorted(), scan);
      assert.equal(await client.call(`EXISTS ${key}`), 0);
    }
  }));

Deno.test("SSCAN of a large set takes a bounded number of pages, whatever COUNT says", () =>
  withDoor(async ({ client }) => {
    const elements = Array.from({ length: 4_000 }, (_, i) => `element ${i}`);
    for (let at = 0; at < elements.length; at += 500) {
      await client.call("SADD", "s", ...elements.slice(at, at + 500));
    }
    const found = new Set<Reply>();
    let pages = 0;
    let cursor: Reply = "0";
    do {
      const [next, page] = await client.call(`SSCAN s ${cursor} COUNT 1`) as [string, Reply[]];
      for (const element of page) found.add(element);
      cursor = next;
      pages++;
    } while (cursor !== "0");
    assert.equal(found.size, elements.length);
    assert.ok(pages <= 257, `${pages} pages`);
  }));

Deno.test("SSCAN takes every cursor of 64 bits, and says of others that they are invalid", () =>
  withDoor(async ({ client }) => {
    await client.call("SADD s a");
    assert.deepEqual(await client.call("SSCAN s 18446744073709551615"), ["0", []]);
    // They are read as Redis reads them: -1 is the last one, and nothing is the first.
    assert.deepEqual(await client.call("SSCAN s -1"), ["0", []]);
    assert.deepEqual(await client.call("SSCAN", "s", ""), ["0", ["a"]]);
    for (const cursor of ["18446744073709551616", "-18446744073709551616", "x", "-", " 1"]) {
      assert.equal(
        (await client.call("SSCAN", "s", cursor) as Failure).message,
        "ERR invalid cursor",
      );
    }
  }));
