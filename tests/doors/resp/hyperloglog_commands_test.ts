import assert from "node:assert/strict";
import { Failure, withDoor } from "./raw_client.ts";

Deno.test("PFMERGE adds what its sources have counted, and they stay as they are", () =>
  withDoor(async ({ client }) => {
    await client.call("PFADD one a b c");
    await client.call("PFADD two c d");
    assert.equal(await client.call("PFMERGE all one two none"), "OK");
    assert.equal(await client.call("PFCOUNT all"), 4);
    assert.equal(await client.call("PFCOUNT two"), 2);
    await client.call("PFADD all e");
    assert.equal(await client.call("PFMERGE all one all"), "OK");
    assert.equal(await client.call("PFCOUNT all"), 5);
  }));

Deno.test("PFMERGE of nothing makes an empty HyperLogLog", () =>
  withDoor(async ({ client }) => {
    assert.equal(await client.call("PFMERGE all none"), "OK");
    assert.equal(await client.call("PFCOUNT all"), 0);
    assert.equal(await client.call("EXISTS all none"), 1);
  }));

Deno.test("PFMERGE keeps the time to live, and changes nothing where a key is of another type", () =>
  withDoor(async ({ api, client }) => {
    await client.call("PFADD all a");
    await client.call("EXPIRE all 100");
    await client.call("PFADD one b");
    await client.call("SADD set x");
    for (const line of ["PFMERGE all one set", "PFMERGE set one"]) {
      assert.match((await client.call(line) as Failure).message, /^WRONGTYPE /);
    }
    assert.equal(await client.call("PFCOUNT all"), 1);
    assert.equal(await client.call("PFMERGE all one"), "OK");
    assert.equal(await client.call("TTL all"), 100);
    api.failNext(new Error("broken"), "get");
    assert.ok(await client.call("PFMERGE all one") instanceof Failure);
  }));

Deno.test("PFMERGE of many that have counted much is the union", () =>
  withDoor(async ({ client }) => {
    for (let part = 0; part < 4; part++) {
      const elements = Array.from({ length: 5_000 }, (_, i) => `e${part * 4_000 + i}`);
      await client.call("PFADD", `part${part}`, ...elements);
    }
    assert.equal(await client.call("PFMERGE all part0 part1 part2 part3"), "OK");
    const count = await client.call("PFCOUNT all") as number;
    assert.equal(count, await client.call("PFCOUNT part0 part1 part2 part3"));
    assert.ok(Math.abs(count - 17_000) < 17_000 * 0.04, `${count}`);
  }));
