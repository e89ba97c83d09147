import assert from "node:assert/strict";
import { type Failure, type Reply, withDoor } from "./raw_client.ts";

Deno.test("WAIT tells on how many more disks each acknowledged write is, at once", () =>
  withDoor(async ({ client }) => {
    // Two of three.
    assert.equal(await client.call("WAIT 2 60000"), 1);
    assert.equal(await client.call("WAIT 0 0"), 1);
  }));

Deno.test("MEMORY USAGE grows with the value", () =>
  withDoor(async ({ client }) => {
    await client.call("SET", "k", "x".repeat(1_000));
    assert.ok(Number(await client.call("MEMORY USAGE k")) >= 1_000);
    for (const [key, command] of [["s", "SADD s a"], ["h", "HSET h a v"]] as const) {
      await client.call(command);
      const small = Number(await client.call(`MEMORY USAGE ${key} SAMPLES 0`));
      await client.call(...command.replace(" a", ` ${"b".repeat(500)}`).split(" "));
      assert.ok(Number(await client.call(`MEMORY USAGE ${key}`)) >= small + 500);
    }
    const stats = await client.call("MEMORY STATS") as Reply[];
    assert.ok(Number(stats[stats.indexOf("total.allocated") + 1]) > 0);
  }));

Deno.test("CLIENT KILL closes the connections that it names, and not the one that asks", () =>
  withDoor(async ({ client, connect }) => {
    const other = await connect();
    const id = await other.call("CLIENT ID");
    assert.equal(await client.call(`CLIENT KILL ID ${id}`), 1);
    assert.equal(await other.rest().catch(() => ""), "");
    await connect();
    assert.equal(await client.call("CLIENT KILL TYPE normal"), 1);
    assert.equal(await client.call("PING"), "PONG");
    const own = String(await client.call("CLIENT INFO")).match(/addr=(\S+)/)![1];
    assert.equal(await client.call(`CLIENT KILL ${own}`), "OK");
    assert.equal(await client.rest(), "");
  }));

Deno.test("CLIENT PAUSE is refused with its reason", () =>
  withDoor(async ({ client }) => {
    const refused = await client.call("CLIENT PAUSE 100") as Failure;
    assert.match(refused.message, /^UNSUPPORTED CLIENT PAUSE .* of no other/);
    assert.equal(await client.call("CLIENT UNPAUSE"), "OK");
  }));

Deno.test("LCS refuses a table that would keep the node from its clients", () =>
  withDoor(async ({ client }) => {
    await client.call("SET", "a", "x".repeat(10_000));
    const refused = await client.call("LCS a a") as Failure;
    assert.match(refused.message, /^TOOLARGE The table of LCS/);
  }));

Deno.test("RANDOMKEY gives any key there is", () =>
  withDoor(async ({ client }) => {
    await client.call("MSET a 1 b 2 c 3");
    const found = new Set<Reply>();
    for (let i = 0; i < 500 && found.size < 3; i++) found.add(await client.call("RANDOMKEY"));
    assert.deepEqual([...found].sort(), ["a", "b", "c"]);
  }));

Deno.test("CONFIG RESETSTAT begins the counts anew", () =>
  withDoor(async ({ client }) => {
    await client.call("PING");
    assert.equal(await client.call("CONFIG RESETSTAT"), "OK");
    const info = String(await client.call("INFO stats"));
    assert.match(info, /total_commands_processed:1\r/);
  }));

Deno.test("COMMAND LIST FILTERBY ACLCAT names commands by what they are for", () =>
  withDoor(async ({ client }) => {
    const hashes = await client.call("COMMAND LIST FILTERBY ACLCAT hash") as Reply[];
    assert.ok(hashes.includes("hset") && !hashes.includes("sadd"));
    const reads = await client.call("COMMAND LIST FILTERBY ACLCAT read") as Reply[];
    assert.ok(reads.includes("get") && !reads.includes("set"));
    assert.deepEqual(await client.call("COMMAND LIST FILTERBY ACLCAT nosuch"), []);
  }));
