import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { Failure, type RawClient, type Reply, withDoor } from "./raw_client.ts";

/** DN.GET in RESP3. */
async function read(client: RawClient, command: string): Promise<Record<string, Reply>> {
  const reply = await client.call(command);
  assert.ok(reply instanceof Map);
  return Object.fromEntries(reply);
}

Deno.test("DN.GET shows siblings, and DN.SET with its context replaces them", () =>
  withDoor(async ({ client }) => {
    await client.call("HELLO 3");
    const { context } = await read(client, "DN.GET k");
    // Two clients that know of the same nothing.
    assert.notEqual(await client.call(`DN.SET k apple CONTEXT ${context}`), null);
    assert.equal(await client.call(`DN.SET k pear CONTEXT ${context}`), null);
    const both = await read(client, "DN.GET k");
    assert.equal(both.value, "pear");
    assert.deepEqual(both.siblings, ["pear", "apple"]);
    const merged = await client.call(`DN.SET k apple+pear CONTEXT ${both.context}`);
    assert.equal(typeof merged, "string");
    assert.deepEqual((await read(client, "DN.GET k")).siblings, ["apple+pear"]);
    assert.equal(await client.call(`DN.DEL k CONTEXT ${merged}`), 1);
    assert.deepEqual(
      await read(client, "DN.GET k").then(({ siblings, value }) => (
        { siblings, value }
      )),
      { siblings: [], value: null },
    );
    assert.equal(await client.call("DN.DEL k"), 0);
  }));

Deno.test("DN.GET is an array of names and values in RESP2", () =>
  withDoor(async ({ api, client }) => {
    api.addSibling("k", { kind: "bytes", bytes: utf8("v") });
    const reply = await client.call("DN.GET k") as Reply[];
    assert.deepEqual(reply.slice(0, 5), ["value", "v", "siblings", ["v"], "context"]);
    assert.equal(typeof reply[5], "string");
  }));

Deno.test("DN.GET with ATLEAST shows nothing older than what gave the context", () =>
  withDoor(async ({ client }) => {
    await client.call("HELLO 3");
    const context = await client.call("DN.SET k apple");
    assert.equal((await read(client, `DN.GET k ATLEAST ${context}`)).value, "apple");
    await withDoor(async ({ client: other }) => {
      assert.deepEqual(
        await other.call(`DN.GET k ATLEAST ${context}`),
        new Failure("STALE Cannot read the key at least as late as asked (outcome: no)"),
      );
    });
  }));

Deno.test("DN.INCRBY with an id counts once, and not when its time is over", () =>
  withDoor(async ({ api, client }) => {
    const add = `DN.INCRBY k 5 ID q7Xw0 1 ${api.now + 60_000}`;
    assert.equal(await client.call(add), 5);
    assert.equal(await client.call(`${add} W all`), 5);
    assert.equal(api.calls.at(-1)!.options.w, "all");
    assert.equal(await client.call(`DN.INCRBY k -2 ID q7Xw0 2 ${api.now + 60_000}`), 3);
    assert.equal(await client.call("DN.INCRBY k 1"), 4);
    const late = await client.call(`DN.INCRBY k 5 ID q7Xw0 3 ${api.now - 1}`);
    assert.match((late as Failure).message, /^TOOLATE Operation 3 of q7Xw0 .* \(outcome: no\)$/);
    assert.equal(await client.call("GET k"), "4");
  }));

Deno.test("options reach the node", () =>
  withDoor(async ({ api, client }) => {
    const last = () => {
      const options = api.calls.at(-1)!.options;
      return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    };
    await client.call("DN.GET k R 2 TIMEOUT 250 STRICT");
    assert.deepEqual(last(), { r: 2, timeoutMs: 250, strict: true });
    await client.call("dn.get k r QUORUM");
    assert.deepEqual(last(), { r: "quorum" });
    await client.call("DN.SET k v W all PX 1000 TIMEOUT 9 STRICT");
    assert.deepEqual(last(), {
      w: "all",
      expiresAtMs: api.now + 1000,
      timeoutMs: 9,
      strict: true,
    });
    await client.call("DN.DEL k W one");
    assert.deepEqual(last(), { w: "one" });
  }));

Deno.test("mistakes are named", () =>
  withDoor(async ({ client }) => {
    const quorum = "must be a positive integer, one, quorum or all";
    const cases: [string, string][] = [
      ["DN.GET", "ERR wrong number of arguments for 'dn.get' command"],
      ["DN.GET k R", "ERR syntax error"],
      ["DN.GET k W 1", "ERR syntax error"],
      ["DN.GET k ATLEAST", "ERR syntax error"],
      ["DN.SET k v ATLEAST x", "ERR syntax error"],
      [
        "DN.GET k ATLEAST nonsense",
        "BADCONTEXT The context is none of this key (outcome: no)",
      ],
      ["DN.INCRBY k", "ERR wrong number of arguments for 'dn.incrby' command"],
      ["DN.INCRBY k 1.5", "ERR value is not an integer or out of range"],
      ["DN.INCRBY k 1 ID s 1", "ERR syntax error"],
      ["DN.INCRBY k 1 ID s -1 5", "ERR The number of an operation must be an integer from 0"],
      ["DN.INCRBY k 1 ID s 1 soon", "ERR The end of an operation must be an integer from 0"],
      ["DN.GET k R 0", `ERR R ${quorum}`],
      ["DN.SET k v W most", `ERR W ${quorum}`],
      ["DN.GET k TIMEOUT 0", "ERR TIMEOUT must be a positive integer"],
      ["DN.SET k v PX 0", "ERR invalid expire time in 'dn.set' command"],
      [
        "DN.SET k v CONTEXT nonsense",
        "BADCONTEXT The context is none of this key (outcome: no)",
      ],
    ];
    for (const [command, message] of cases) {
      assert.deepEqual(await client.call(command), new Failure(message), command);
    }
  }));
