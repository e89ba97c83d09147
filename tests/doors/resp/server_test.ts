import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import {
  type Command,
  CommandTable,
  type DoorCounts,
  NO_KEYS,
} from "../../../src/doors/resp/command.ts";
import { Databases } from "../../../src/doors/resp/databases.ts";
import { CommandStats } from "../../../src/doors/resp/command_stats.ts";
import { RESP_LIMITS } from "../../../src/doors/resp/resp_limits.ts";
import { Session } from "../../../src/doors/resp/session.ts";
import { STRING_COMMANDS } from "../../../src/doors/resp/string_commands.ts";
import { startRespDoor } from "../../../src/doors/resp/server.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import { ClientMemory } from "../../../src/doors/client_memory.ts";
import { ClientSlots } from "../../../src/doors/client_slots.ts";
import { FakeNodeApi } from "../fake_node_api.ts";
import { encoded, Failure, RawClient, withDoor } from "./raw_client.ts";

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

Deno.test("startRespDoor() serves until it is stopped", async () => {
  const api = new FakeNodeApi();
  const door = await startRespDoor({ api, hostname: "127.0.0.1", port: 0, log });
  const connection = await Deno.connect({ hostname: door.hostname, port: door.port });
  await connection.write(utf8("PING\r\n"));
  const buffer = new Uint8Array(100);
  assert.equal(await connection.read(buffer), 7);
  assert.equal(door.connections(), 1);
  await door.stop();
  await door.stop();
  assert.equal(door.connections(), 0);
  assert.equal(await connection.read(buffer), null);
  connection.close();
});

Deno.test("startRespDoor() says when the port is in use", () =>
  withDoor(async ({ api, door }) => {
    const again = startRespDoor({ api, hostname: "127.0.0.1", port: door.port, log });
    await assert.rejects(again, (error) => {
      assert.ok(error instanceof DenamoError);
      const address = `127.0.0.1:${door.port}`;
      assert.equal(error.message, `Cannot listen for RESP on ${address}: the port is in use`);
      return true;
    });
  }));

Deno.test("commands of one connection run in order, and their replies come together", () =>
  withDoor(async ({ api, client }) => {
    // The first command ends last if they are run at once.
    let pauses = 50;
    api.before = async () => {
      for (let i = pauses--; i > 0; i--) await Promise.resolve();
    };
    const commands = Array.from({ length: 40 }, (_, i) => ["SET k " + i, "GET k"]).flat();
    for (const command of commands) await client.send(encoded(command.split(" ")));
    for (let i = 0; i < 40; i++) {
      assert.equal(await client.reply(), "OK");
      assert.equal(await client.reply(), String(i));
    }
  }));

Deno.test("lines of people are commands too", () =>
  withDoor(async ({ client }) => {
    await client.send('set greeting "hello world"\r\n\r\nget greeting\n');
    assert.equal(await client.reply(), "OK");
    assert.equal(await client.reply(), "hello world");
  }));

Deno.test("a connection that breaks the protocol is told so and ended, and no other", () =>
  withDoor(async ({ client, connect, door }) => {
    const other = await connect();
    // It goes on sending for a while, and still hears what was wrong.
    const sending = client.send("PING\r\n*1\r\n!oops\r\n" + "x".repeat(8_000_000));
    assert.equal(
      await client.rest(),
      "+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n",
    );
    await sending;
    client.close();
    assert.equal(await other.call("PING"), "PONG");
    await until(() => door.connections() === 1);
  }));

Deno.test("an argument over the limit is refused before it is sent", () =>
  withDoor(async ({ client }) => {
    await client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000000000\r\n");
    assert.equal(
      await client.rest(),
      "-ERR Protocol error: invalid bulk length: 5000000000 bytes, limit 536870912\r\n",
    );
  }));

Deno.test("a value that is too large is read away, and the connection goes on", () =>
  withDoor(async ({ api, client }) => {
    await client.send(encoded(["SET", "k", new Uint8Array(3_000_000)]));
    await client.send(encoded(["SET", "k", "small"]));
    const refused = await client.reply() as Failure;
    const problem = "TOOLARGE The argument is too large: 3000000 bytes, limit 589824 (outcome: no)";
    assert.equal(refused.message, problem);
    assert.equal(await client.reply(), "OK");
    assert.equal(await client.call("GET k"), "small");
    assert.equal(api.calls.filter(({ method }) => method === "put").length, 1);
  }));

Deno.test("a command has hundreds of thousands of arguments, and a million at most", () =>
  withDoor(async ({ client, connect }) => {
    const words = ["TOUCH", ...new Array<string>(100_000).fill("k")];
    await client.send(encoded(words));
    assert.equal(await client.reply(), 0);
    await client.send("*1048577\r\n");
    assert.match(await client.rest(), /^-ERR Protocol error: invalid multibulk length/);
    const other = await connect();
    assert.equal(await other.call("PING"), "PONG");
  }));

Deno.test("what a command makes of its arguments is counted before it begins", () =>
  withDoor(async ({ api, client }) => {
    const words = ["TOUCH", ...new Array<string>(20_000).fill("k")];
    const refused = await client.call(...words) as Failure;
    assert.match(refused.message, /^OVERLOADED Memory for clients is full/);
    assert.deepEqual(api.calls, []);
    assert.equal(await client.call("PING"), "PONG");
  }, { memory: new ClientMemory(3_000_000) }));

Deno.test("a browser's request ends the connection before its body is read as commands", () =>
  withDoor(async ({ api, client, logged }) => {
    await client.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n");
    assert.equal(await client.rest().catch(() => ""), "");
    assert.deepEqual(logged, ["A RESP client speaks HTTP: its connection is closed"]);
    assert.deepEqual(api.calls, []);
  }));

Deno.test("QUIT answers and ends the connection", () =>
  withDoor(async ({ client }) => {
    await client.send("PING\r\nQUIT\r\nPING\r\n");
    assert.match(await client.rest(), /^\+PONG\r\n\+OK\r\n$/);
  }));

Deno.test("connections over the limit are refused", () =>
  withDoor(async ({ client, connect, door }) => {
    assert.equal(await client.call("PING"), "PONG");
    const second = await connect();
    assert.equal(await second.rest(), "-ERR max number of clients reached\r\n");
    assert.equal(door.connections(), 1);
    client.close();
    await until(() => door.connections() === 0);
    assert.equal(await (await connect()).call("PING"), "PONG");
  }, { slots: new ClientSlots(1) }));

Deno.test("a client that takes no replies holds up only itself, and a bounded backlog", () =>
  withDoor(async ({ api, client, connect }) => {
    const size = 500_000;
    await api.put(utf8("big"), { kind: "bytes", bytes: new Uint8Array(size).fill(97) });
    api.calls.length = 0;
    const count = 200;
    await client.send("GET big\r\n".repeat(count));
    const other = await connect();
    assert.equal(await other.call("PING"), "PONG");
    // What the sockets on the way hold is far less than all 100 MB.
    await until(() => api.calls.length > 0);
    for (let i = 0; i < 20; i++) await other.call("PING");
    assert.ok(api.calls.length < count, `${api.calls.length} values were read`);
    for (let i = 0; i < count; i++) {
      assert.equal((await client.reply() as string).length, size);
    }
  }));

Deno.test("a client that takes nothing of its replies for too long is cut off", () =>
  withSession(STRING_COMMANDS, async ({ api, client, session, counts, ended }) => {
    await api.put(utf8("big"), { kind: "bytes", bytes: new Uint8Array(500_000) });
    await client.send("GET big\r\n".repeat(500));
    let isOver = false;
    ended.then(() => isOver = true);
    await until(() => counts.commands > 0);
    session.endIfStuck(performance.now());
    assert.ok(!isOver);
    await until(() => {
      session.endIfStuck(performance.now() + RESP_LIMITS.slowReaderMs);
      return isOver;
    });
    assert.ok(counts.commands < 500);
  }));

Deno.test("a client that begins a command and does not go on is told so and cut off", () =>
  withSession(STRING_COMMANDS, async ({ client, session, counts, ended }) => {
    // Between commands it may be silent as long as it likes.
    await client.send("GET k\r\n");
    assert.equal(await client.reply(), null);
    session.endIfStuck(performance.now() + 10 * RESP_LIMITS.halfCommandMs);
    await client.send("*2\r\n$3\r\nGET\r\n$1");
    await until(() => session.heldBytes > 0);
    session.endIfStuck(performance.now());
    assert.equal(counts.stuckConnections, 0);
    session.endIfStuck(performance.now() + RESP_LIMITS.halfCommandMs);
    assert.equal(
      await client.rest(),
      "-ERR Protocol error: the rest of the command did not come within 15000 ms\r\n",
    );
    client.close();
    await ended;
    assert.equal(counts.stuckConnections, 1);
    assert.equal(session.heldBytes, 0);
  }));

Deno.test("of clients with half commands the greediest gives way, and small ones are served", () => {
  const memory = new ClientMemory(1_000_000);
  return withDoor(async ({ client, connect }) => {
    const greedy = await connect();
    const greedier = await connect();
    await greedy.send(halfCommand(400_000));
    await until(() => memory.heldBytes > 400_000);
    await greedier.send(halfCommand(550_000));
    const small = halfCommand(100_000);
    await until(() => memory.heldBytes > 900_000);
    await client.send(small);
    assert.equal(
      await greedier.rest(),
      "-OVERLOADED Memory for clients is full: limit 1000000 (outcome: no)\r\n",
    );
    await client.send("x".repeat(10) + "\r\n");
    assert.equal(await client.reply(), "OK");
    await greedy.send("x".repeat(10) + "\r\n");
    assert.equal(await greedy.reply(), "OK");
    assert.equal(await greedy.call("PING"), "PONG");
    assert.equal(memory.heldBytes, 0);
    assert.equal(memory.evictedCount, 1);
  }, { memory });
});

Deno.test("a client that would hold more than anybody else is refused itself", () => {
  const memory = new ClientMemory(300_000);
  return withDoor(async ({ client, connect }) => {
    const other = await connect();
    await other.send(halfCommand(100_000));
    await until(() => memory.heldBytes > 100_000);
    await client.send(halfCommand(280_000));
    assert.match(await client.rest(), /^-OVERLOADED Memory for clients is full/);
    await other.send("x".repeat(10) + "\r\n");
    assert.equal(await other.reply(), "OK");
  }, { memory });
});

Deno.test("a reply for which there is no memory is refused, and its connection goes on", () => {
  const memory = new ClientMemory(300_000);
  return withDoor(async ({ api, client }) => {
    await api.put(utf8("big"), { kind: "bytes", bytes: new Uint8Array(200_000).fill(97) });
    assert.equal((await client.call("GET big") as string).length, 200_000);
    const failure = await client.call("MGET", "big", "big");
    assert.ok(failure instanceof Failure);
    assert.equal(
      failure.message,
      "OVERLOADED 1 of 2 keys failed, the first: Memory for clients is full: limit 300000 (outcome: no)",
    );
    assert.equal((await client.call("GET big") as string).length, 200_000);
    assert.equal(memory.heldBytes, 0);
  }, { memory });
});

Deno.test("replies that are not taken are counted, and give way to others", () => {
  const memory = new ClientMemory(1_000_000);
  return withDoor(async ({ api, client, connect }) => {
    await api.put(utf8("big"), { kind: "bytes", bytes: new Uint8Array(500_000).fill(97) });
    await client.send("GET big\r\n".repeat(200));
    await until(() => memory.heldBytes > 500_000 && api.calls.length > 5);
    const other = await connect();
    // It needs as much at once, and takes it.
    for (let i = 0; i < 20 && memory.evictedCount === 0; i++) {
      assert.equal((await other.call("MGET", "big", "absent") as string[])[0]!.length, 500_000);
      await other.send(halfCommand(490_000));
      await other.send("x".repeat(10) + "\r\n");
      assert.equal(await other.reply(), "OK");
    }
    assert.equal(memory.evictedCount, 1);
  }, { memory });
});

Deno.test("a command of many empty arguments is counted by its arguments", () => {
  const memory = new ClientMemory(1_000_000);
  return withDoor(async ({ client }) => {
    // 60 KB on the wire, and more than the limit in memory.
    await client.send("*65536\r\n" + "$0\r\n\r\n".repeat(10_000));
    assert.match(await client.rest(), /^-OVERLOADED /);
  }, { memory });
});

Deno.test("an error in the middle of a reply leaves no half reply", () => {
  const half: Command = {
    name: "half",
    arity: 1,
    run: async ({ reply }) => {
      reply.array(2);
      reply.bulk(new Uint8Array(50_000));
      await Promise.resolve();
      throw new DenamoError("stopped", "no", "The node is stopping");
    },
    group: "denamo",
    summary: "",
    flags: [],
    keys: NO_KEYS,
  };
  return withSession([half], async ({ client }) => {
    await client.send("half extra\r\nhalf\r\n");
    const arity = "ERR wrong number of arguments for 'half' command";
    assert.deepEqual(await client.reply(), new Failure(arity));
    const stopping = "STOPPED The node is stopping (outcome: no)";
    assert.deepEqual(await client.reply(), new Failure(stopping));
  });
});

Deno.test("stop() lets the command under way end and answer", () =>
  withDoor(async ({ api, client, door, connect }) => {
    const idle = await connect();
    await idle.call("PING");
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    let isHeld = false;
    api.before = () => {
      isHeld = true;
      return held;
    };
    await client.send("SET k v\r\nSET k w\r\n");
    await until(() => isHeld);
    const stopping = door.stop();
    assert.equal(await idle.rest(), "");
    release();
    await stopping;
    // The command after it has not begun: it certainly has no effect.
    assert.equal(await client.rest().catch(() => "+OK\r\n"), "+OK\r\n");
    assert.equal(api.calls.length, 1);
  }));

Deno.test("stop() does not wait for ever", () =>
  withDoor(async ({ api, client, door }) => {
    let isHeld = false;
    let release = () => {};
    api.before = () => {
      isHeld = true;
      return new Promise((resolve) => release = resolve);
    };
    await client.send("SET k v\r\n");
    await until(() => isHeld);
    await door.stop();
    assert.equal(door.connections(), 0);
    assert.equal(await client.rest().catch(() => ""), "");
    release();
  }));

Deno.test("commands of a connection that is gone do not begin", () =>
  withSession(STRING_COMMANDS, async ({ api, client, session, ended }) => {
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    api.before = () => held;
    // All of one key: the others wait for the first.
    await client.send("SET k v\r\n".repeat(100));
    await until(() => api.calls.length > 0);
    session.end();
    release();
    await ended;
    assert.equal(api.calls.length, 1);
  }));

interface Alone {
  readonly api: FakeNodeApi;
  readonly client: RawClient;
  readonly session: Session;
  readonly counts: DoorCounts;
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>;
}

/** Runs a test with one session that has no door around it. */
async function withSession(
  commands: readonly Command[],
  test: (alone: Alone) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  using client = new RawClient(await Deno.connect({ hostname, port }));
  const api = new FakeNodeApi();
  const counts = { commands: 0, connections: 0, refusedConnections: 0, stuckConnections: 0 };
  const table = new CommandTable(commands);
  const view = {
    commands: table,
    databases: new Databases(api),
    port,
    slots: new ClientSlots(1),
    memory: new ClientMemory(2 ** 20),
    times: RESP_LIMITS,
    clients: () => [],
    counts,
    stats: new CommandStats(),
  };
  const session = new Session(1, await listener.accept(), view, log);
  const ended = session.run();
  try {
    await test({ api, client, session, counts, ended });
  } finally {
    session.end();
    await ended;
  }
}

/** Waits for a condition, with a deadline. */
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Still not so: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A SET of a value, but for its last ten bytes. */
function halfCommand(valueBytes: number): string {
  return `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${valueBytes}\r\n${"x".repeat(valueBytes - 10)}`;
}
