import assert from "node:assert/strict";
import { type Failure, type Reply, withDoor } from "./raw_client.ts";

Deno.test("SRANDMEMBER gives as many as are asked for, and not without end", () =>
  withDoor(async ({ client }) => {
    await client.call("SADD s a b c");
    assert.equal((await client.call("SRANDMEMBER s 2") as Reply[]).length, 2);
    assert.equal((await client.call("SRANDMEMBER s -5") as Reply[]).length, 5);
    const refused = await client.call("SRANDMEMBER s -1000000000");
    assert.match((refused as Failure).message, /^TOOLARGE The reply of SRANDMEMBER/);
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
