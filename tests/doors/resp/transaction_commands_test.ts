// What Redis answers is compared in tests/redis; here is what differs, what reaches the node, and what is held.

import assert from "node:assert/strict";
import { ClientMemory } from "../../../src/doors/client_memory.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import { encoded, Failure, type RawClient, type Reply, withDoor } from "./raw_client.ts";

const ABORTED = new Failure("EXECABORT Transaction discarded because of previous errors.");

async function callAll(client: RawClient, ...commands: string[]): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (const command of commands) replies.push(await client.call(command));
  return replies;
}

Deno.test("what waits for EXEC reaches no node before", () =>
  withDoor(async ({ api, client }) => {
    assert.deepEqual(await callAll(client, "MULTI", "INCR c", "SET k v"), [
      "OK",
      "QUEUED",
      "QUEUED",
    ]);
    assert.deepEqual(api.calls, []);
    assert.deepEqual(await client.call("EXEC"), [1, "OK"]);
    assert.deepEqual(api.calls.map(({ method }) => method), ["update", "put"]);
  }));

Deno.test("a pipeline of a whole transaction is answered command by command", () =>
  withDoor(async ({ client }) => {
    const commands = ["MULTI", "SET k v", "GET k", "EXEC", "GET k"];
    for (const command of commands) await client.send(encoded(command.split(" ")));
    const replies = [];
    for (const _ of commands) replies.push(await client.reply());
    assert.deepEqual(replies, ["OK", "QUEUED", "QUEUED", ["OK", "v"], "v"]);
  }));

Deno.test("a command that fails at EXEC has its error in the list, the others run", () =>
  withDoor(async ({ api, client }) => {
    await callAll(client, "MULTI", "SET a 1", "SET b 2", "MGET a b", "SET c 3 NX");
    api.failNext(new DenamoError("quorum", "unknown", "Cannot reach a quorum"), "put");
    const [a, b, values, refused] = await client.call("EXEC") as Reply[];
    assert.deepEqual(a, new Failure("QUORUM Cannot reach a quorum (outcome: unknown)"));
    assert.equal(b, "OK");
    assert.deepEqual(values, [null, "2"]);
    assert.match((refused as Failure).message, /^UNSUPPORTED SET with NX/);
    assert.equal(await client.call("GET b"), "2");
  }));

Deno.test("after a refused command nothing of a transaction runs", () =>
  withDoor(async ({ api, client }) => {
    for (const refused of ["SETNX k v", "LPUSH l v", "SUBSCRIBE c", "NOSUCH", "GET", "WATCH k"]) {
      for (const end of ["EXEC", "DISCARD", "RESET"]) {
        const replies = await callAll(client, "MULTI", "INCR c", refused, "INCR c", end);
        assert.ok(replies[2] instanceof Failure, refused);
        assert.equal(replies[3], "QUEUED");
        const ended = { EXEC: ABORTED, DISCARD: "OK", RESET: "RESET" }[end];
        assert.deepEqual(replies[4], ended);
        assert.deepEqual(api.calls, []);
        assert.deepEqual(await callAll(client, "MULTI", "PING", "EXEC"), ["OK", "QUEUED", [
          "PONG",
        ]]);
      }
    }
  }));

Deno.test("a transaction after a refused WATCH does not run, unless it is taken back", () =>
  withDoor(async ({ api, client }) => {
    const watch = await client.call("WATCH k") as Failure;
    assert.match(watch.message, /^UNSUPPORTED WATCH is not supported: .* \(outcome: no\)$/);
    assert.deepEqual(await callAll(client, "MULTI", "INCR c", "EXEC"), ["OK", "QUEUED", ABORTED]);
    assert.deepEqual(api.calls, []);
    for (const back of ["UNWATCH", "RESET"]) {
      await callAll(client, "WATCH k", back);
      assert.deepEqual(await callAll(client, "MULTI", "PING", "EXEC"), ["OK", "QUEUED", ["PONG"]]);
    }
    await callAll(client, "WATCH k", "MULTI", "DISCARD");
    assert.deepEqual(await callAll(client, "MULTI", "PING", "EXEC"), ["OK", "QUEUED", ["PONG"]]);
  }));

Deno.test("Denamo's own commands may wait too", () =>
  withDoor(async ({ client }) => {
    await callAll(client, "MULTI", "DN.SET k v", "DN.INCRBY c 5", "DN.GET k", "DN.DEL k", "GET k");
    const [context, sum, read, existed, value] = await client.call("EXEC") as Reply[];
    assert.equal(typeof context, "string");
    assert.deepEqual([sum, existed, value], [5, 1, null]);
    assert.deepEqual((read as Reply[]).slice(0, 4), ["value", "v", "siblings", ["v"]]);
  }));

Deno.test("HELLO and CLIENT SETNAME take effect at EXEC, in their order", () =>
  withDoor(async ({ client }) => {
    await callAll(client, "HSET h f v", "MULTI", "HGETALL h", "HELLO 3", "HGETALL h");
    const [before, , after] = await client.call("EXEC") as Reply[];
    assert.deepEqual(before, ["f", "v"]);
    assert.deepEqual(after, new Map([["f", "v"]]));
  }));

Deno.test("what waits is counted in the memory of clients, and given back", async () => {
  const memory = new ClientMemory(1_000_000);
  await withDoor(async ({ client }) => {
    await client.call("MULTI");
    await client.call("SET", "k", "x".repeat(100_000));
    const { heldBytes } = memory;
    assert.ok(heldBytes > 100_000 && heldBytes < 110_000, `${heldBytes}`);
    await client.call("SET", "l", "x".repeat(100_000));
    assert.ok(memory.heldBytes > 200_000);
    assert.deepEqual(await client.call("EXEC"), ["OK", "OK"]);
    await client.call("PING");
    assert.equal(memory.heldBytes, 0);
    await client.call("MULTI");
    await client.call("SET", "k", "x".repeat(100_000));
    await client.call("DISCARD");
    await client.call("PING");
    assert.equal(memory.heldBytes, 0);
  }, { memory });
});

Deno.test("a transaction for which there is no memory is refused as a whole", async () => {
  const memory = new ClientMemory(1_000_000);
  await withDoor(async ({ api, client }) => {
    await client.call("MULTI");
    let refused: Reply = null;
    for (let i = 0; i < 20 && refused === null; i++) {
      const reply = await client.call("SET", `k${i}`, "x".repeat(100_000));
      if (reply !== "QUEUED") refused = reply;
    }
    assert.ok(refused instanceof Failure && refused.message.startsWith("OVERLOADED"));
    // It is not to run, so it holds nothing.
    assert.equal(await client.call("PING"), "QUEUED");
    assert.equal(memory.heldBytes, 0);
    assert.deepEqual(await client.call("EXEC"), ABORTED);
    assert.deepEqual(api.calls, []);
    assert.equal(await client.call("SET", "k", "x".repeat(100_000)), "OK");
  }, { memory });
});

Deno.test("a client whose transaction holds most gives way to others", async () => {
  const memory = new ClientMemory(1_000_000);
  await withDoor(async ({ api, client, connect }) => {
    await client.call("MULTI");
    for (let i = 0; i < 7; i++) await client.call("SET", `k${i}`, "x".repeat(100_000));
    const other = await connect();
    assert.equal(await other.call("MULTI"), "OK");
    for (let i = 0; i < 4; i++) {
      assert.equal(await other.call("SET", `o${i}`, "x".repeat(100_000)), "QUEUED");
    }
    assert.match(await client.rest(), /^-OVERLOADED Memory for clients/);
    assert.deepEqual(api.calls, []);
    assert.deepEqual(await other.call("EXEC"), ["OK", "OK", "OK", "OK"]);
  }, { memory });
});

Deno.test("replies of a transaction are counted in the memory of clients", async () => {
  const memory = new ClientMemory(1_000_000);
  await withDoor(async ({ client }) => {
    await client.call("SET", "k", "x".repeat(400_000));
    await callAll(client, "MULTI", "GET k", "GET k", "GET k", "STRLEN k");
    const [first, second, third, length] = await client.call("EXEC") as Reply[];
    assert.equal((first as string).length, 400_000);
    assert.equal((second as string).length, 400_000);
    assert.match((third as Failure).message, /^OVERLOADED .*\(outcome: no\)$/);
    assert.equal(length, 400_000);
    assert.equal(await client.call("PING"), "PONG");
    assert.equal(memory.heldBytes, 0);
  }, { memory });
});

Deno.test("commands of a transaction run one after the other", () =>
  withDoor(async ({ api, client }) => {
    let underWay = 0;
    api.before = async () => {
      assert.equal(++underWay, 1);
      await Promise.resolve();
      underWay--;
    };
    await callAll(client, "MULTI", "SET a 1", "GET a", "SET b 1");
    assert.deepEqual(await client.call("EXEC"), ["OK", "1", "OK"]);
  }));
