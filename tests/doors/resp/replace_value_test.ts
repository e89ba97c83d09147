import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { Failure, type Reply, withDoor } from "./raw_client.ts";

Deno.test("SUNIONSTORE changes a set in one write, which leaves what stays", () =>
  withDoor(async ({ api, client }) => {
    await client.call("SADD a 1 2");
    await client.call("SADD d 2 3");
    await client.call("EXPIRE d 100");
    api.calls.length = 0;
    assert.equal(await client.call("SUNIONSTORE d a"), 2);
    assert.deepEqual(await client.call("SMEMBERS d"), ["1", "2"]);
    assert.equal(await client.call("TTL d"), -1);
    const writes = api.calls.filter(({ method }) => ["update", "delete", "put"].includes(method));
    assert.deepEqual(writes.map(({ method }) => method), ["update"]);
  }));

Deno.test("SINTERSTORE puts a set in the place of any other value, and nothing for no elements", () =>
  withDoor(async ({ client }) => {
    await client.call("SADD a 1");
    for (const command of ["SET d v", "HSET d f v", "INCR d", "PFADD d x", "SADD d 9"]) {
      await client.call(command);
      assert.equal(await client.call("SINTERSTORE d a a"), 1, command);
      assert.deepEqual(await client.call("SMEMBERS d"), ["1"], command);
      assert.equal(await client.call("SINTERSTORE d a none"), 0, command);
      assert.equal(await client.call("EXISTS d"), 0, command);
    }
  }));

Deno.test("COPY copies every type of Redis with its end, and the copy goes its own way", () =>
  withDoor(async ({ client }) => {
    const cases: [string, string, string, Reply][] = [
      ["SET a v", "GET", "SET a other", "v"],
      ["SADD a x y", "SMEMBERS", "SADD a z", ["x", "y"]],
      ["HSET a f v", "HGETALL", "HSET a f other", ["f", "v"]],
      ["HINCRBY a f 7", "HGETALL", "HINCRBY a f 1", ["f", "7"]],
      ["INCRBY a 7", "GET", "INCR a", "7"],
      ["PFADD a x y", "PFCOUNT", "PFADD a z", 2],
    ];
    for (const [write, read, change, copied] of cases) {
      await client.call("DEL a b");
      await client.call(write);
      await client.call("EXPIRE a 100");
      assert.equal(await client.call("COPY a b"), 1, write);
      await client.call(change);
      assert.deepEqual(await client.call(read, "b"), copied, write);
      assert.equal(await client.call("TTL b"), 100, write);
    }
  }));

Deno.test("COPY refuses what no operation makes again", () =>
  withDoor(async ({ api, client }) => {
    await api.update(utf8("a"), [{ type: "flag", operation: { kind: "enable" } }]);
    await client.call("SET b v");
    assert.deepEqual(
      await client.call("COPY a b REPLACE"),
      new Failure("UNSUPPORTED Cannot copy a flag (outcome: no)"),
    );
    assert.equal(await client.call("GET b"), "v");
  }));
