// What a peer may do to us that no network of ours would: each costs it its own connection and nobody else's.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import {
  createLibp2pNetwork,
  generateIdentity,
  type Libp2pNetworkOptions,
} from "../../src/host/libp2p_network.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { STRANGERS_PER_HOST_MAX } from "../../src/host/strangers.ts";
import type { Network } from "../../src/ports/network.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { Listener } from "../contracts/network_contract.ts";
import { eventually } from "./eventually.ts";
import { type RudeConnection, RudePeer } from "./rude_peer.ts";

interface World {
  readonly network: Network;
  readonly heard: Listener;
  readonly rude: RudePeer;
  readonly address: string;
}

function test(
  name: string,
  body: (world: World) => Promise<void>,
  options: Partial<Libp2pNetworkOptions> = {},
): void {
  Deno.test(name, async () => {
    const network = await createLibp2pNetwork({
      cluster: "test",
      privateKey: await generateIdentity(),
      listen: ["/ip4/127.0.0.1/tcp/0"],
      log: silentLog,
      ...options,
    });
    const heard = new Listener();
    await network.start(heard);
    const rude = await RudePeer.make(network.self);
    try {
      await body({ network, heard, rude, address: network.addresses()[0]! });
    } finally {
      await rude.stop();
      await network.stop();
    }
  });
}

/** Greets as it should be done. */
async function greeted({ rude, address, heard }: World): Promise<RudeConnection> {
  const connection = await rude.open(address);
  connection.hello();
  await eventually(() => connection.greeted.length === 1, "the answer to the hello");
  const before = heard.count("up", rude.id);
  connection.accept();
  await eventually(() => heard.count("up", rude.id) === before + 1, "the peer is up");
  return connection;
}

test("a peer that greets by hand is up only when it has accepted us", async (world) => {
  const { rude, address, heard, network } = world;
  const connection = await rude.open(address);
  connection.hello();
  await eventually(() => connection.greeted.length === 1, "the answer to the hello");
  assert.equal(connection.greeted[0]!.kind, "hello");
  assert.deepEqual(heard.events, []);
  assert.equal(network.send(rude.id, "request", utf8("too early")), false);
  connection.accept();
  await eventually(() => heard.isUp(rude.id), "the peer is up");
  assert.equal(network.send(rude.id, "request", utf8("now")), true);
  await eventually(() => connection.heard.length === 1, "the message");
  assert.deepEqual(connection.heard[0], utf8("now"));
});

for (const lane of ["request", "bulk"] as const) {
  test(`a frame over the limit on the ${lane} lane closes that connection only`, async (world) => {
    const other = await RudePeer.make(world.network.self);
    try {
      const bad = await greeted(world);
      const good = await greeted({ ...world, rude: other });
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, LIMITS.message + 1);
      bad.bytes(length, lane);
      await eventually(() => world.heard.count("down", world.rude.id) === 1, "the bad one is down");
      await eventually(() => bad.isClosed, "the bad connection is closed");
      good.frame(utf8("still here"));
      await eventually(() => world.heard.messages.length === 1, "the good one is heard");
      assert.equal(world.heard.count("down", other.id), 0);
    } finally {
      await other.stop();
    }
  });
}

const NO_GREETINGS: Record<string, (connection: RudeConnection) => void> = {
  "garbage": (connection) => connection.frame(utf8("GET / HTTP/1.1")),
  "no frame at all": (connection) => connection.bytes(new Uint8Array(100).fill(0xff)),
  "a message before the greeting": (connection) => connection.frame(Uint8Array.of(9, 9)),
  "an accept before the greeting": (connection) => connection.accept(),
  "two hellos": (connection) => {
    connection.hello();
    connection.hello({ number: 2 });
  },
  "bulk data before the greeting": (connection) => {
    connection.bytes(Uint8Array.of(0, 0, 0, 1, 7), "bulk");
  },
};

for (const [what, say] of Object.entries(NO_GREETINGS)) {
  test(`a peer that says ${what} is cut off and never up`, async ({ rude, address, heard }) => {
    const connection = await rude.open(address);
    say(connection);
    await eventually(() => connection.isClosed, "the connection is closed");
    assert.deepEqual([heard.events, heard.messages], [[], []]);
  });
}

test("a peer of another version is told so", async ({ rude, address, heard }) => {
  const connection = await rude.open(address);
  // A hello of version 3: kind, "denamo", the version, and what nobody knows yet.
  connection.frame(Uint8Array.of(1, 6, ...utf8("denamo"), 3, 77, 77));
  await eventually(() => connection.greeted.length === 1, "the refusal");
  const [answer] = connection.greeted;
  assert.ok(answer?.kind === "refusal" && answer.hello === undefined);
  assert.deepEqual([answer.refusal.code, answer.refusal.details], ["other_version", {
    version: 2,
  }]);
  await eventually(() => connection.isClosed, "the connection is closed");
  assert.deepEqual(heard.events, []);
});

test("a peer that opens no streams, or does not greet, is cut off in time", async (world) => {
  const silent = await world.rude.connect(world.address);
  await eventually(() => silent.isClosed, "the one without streams");
  const open = await world.rude.open(world.address);
  await eventually(() => open.isClosed, "the one without a greeting");
}, { greetingTimeoutMs: 300 });

test("a peer that falls silent is given up, one with signs of life is not", async (world) => {
  const connection = await greeted(world);
  await eventually(() => connection.heard.length > 0, "our sign of life");
  assert.deepEqual(connection.heard[0], new Uint8Array(0));
  const empty = new Uint8Array(4);
  let signs = 0;
  await eventually(() => {
    connection.bytes(empty);
    return ++signs > 100;
  }, "it gives many signs of life");
  assert.equal(world.heard.count("down", world.rude.id), 0);
  await eventually(() => world.heard.count("down", world.rude.id) === 1, "it is given up");
}, { keepAliveMs: 100 });

test("a peer that has restarted replaces its connection that nobody saw die", async (world) => {
  const { rude, address, heard, network } = world;
  const dead = await greeted(world);
  const next = await rude.open(address);
  // By its number and what it holds it would be a second connection of the former run.
  next.hello({ instance: "after the restart", startedMs: 2, number: 2, holds: 1 });
  await eventually(() => next.greeted.length === 1, "the answer on the new connection");
  next.accept();
  await eventually(() => heard.count("up", rude.id) === 2, "it is up again");
  assert.deepEqual(heard.events, [`up ${rude.id}`, `down ${rude.id}`, `up ${rude.id}`]);
  await eventually(() => dead.isClosed, "the old connection is closed");
  network.send(rude.id, "request", utf8("hello again"));
  await eventually(() => next.heard.length === 1, "the message takes the new connection");
});

test("of two live connections the one in use stays", async (world) => {
  const { rude, address, heard } = world;
  const first = await greeted(world);
  const second = await rude.open(address);
  second.hello({ number: 2, holds: 1 });
  await eventually(() => second.isClosed, "the second is closed");
  const third = await rude.open(address);
  third.hello({ number: 3, holds: 0 });
  await eventually(() => third.greeted.length === 1, "one that has lost the first gets another");
  await eventually(() => first.isClosed, "and the first is closed");
  assert.deepEqual(heard.events, [`up ${rude.id}`, `down ${rude.id}`]);
});

test("a peer that is not admitted gets no gossip stream", async ({ rude, address }) => {
  const connection = await rude.open(address);
  const stream = await connection.stream("/meshsub/1.2.0");
  await eventually(() => stream.status !== "open", "the gossip stream is reset");
  assert.equal(connection.isClosed, false, "it still may greet");
});

test("a handler that throws costs its peer the connection, not us the process", async (world) => {
  const connection = await greeted(world);
  world.heard.onMessage = () => {
    throw new Error("A bug");
  };
  connection.frame(utf8("trigger"));
  await eventually(() => world.heard.count("down", world.rude.id) === 1, "the connection ends");
});

test("hundreds of connections that never greet are held to a limit, and a peer gets in beside them", async (world) => {
  const [, , , , port] = world.address.split("/");
  const silent = await Promise.all(
    Array.from({ length: 200 }, () => Deno.connect({ hostname: "127.0.0.1", port: Number(port) })),
  );
  let endedCount = 0;
  const ended = silent.map(async (connection) => {
    const buffer = new Uint8Array(64);
    try {
      while (await connection.read(buffer) !== null);
    } catch {
      // It was reset.
    }
    endedCount++;
  });
  try {
    await eventually(() => endedCount >= 200 - STRANGERS_PER_HOST_MAX, "too many are ended");
    await greeted(world);
    assert.ok(endedCount < 200, "the others are given their time");
  } finally {
    for (const connection of silent) connection.close();
    await Promise.all(ended);
  }
});

test(
  "a frame that is announced on the bulk lane before the greeting is not waited for",
  async (world) => {
    const connection = await world.rude.open(world.address);
    connection.bytes(Uint8Array.of(0, 0, 0, 1), "bulk");
    await eventually(() => connection.isClosed, "the connection is closed");
  },
  { greetingTimeoutMs: 3_600_000 },
);

test("a greeting that another process with the peer's identity repeats is not let in twice", async (world) => {
  const { rude, heard, address } = world;
  const first = await greeted(world);
  await rude.answerSigns();
  const later = await rude.open(address);
  later.hello({ instance: "a copy", startedMs: 2 });
  await eventually(() => later.greeted.length === 1, "the answer to the copy");
  const [answer] = later.greeted;
  assert.ok(answer?.kind === "refusal" && answer.refusal.code === "identity_in_use");
  assert.equal(answer.refusal.details.instance, "rude");
  assert.ok(answer.hello !== undefined, "it learns who refuses it");
  await eventually(() => later.isClosed, "the copy is closed");
  assert.equal(first.isClosed, false);
  assert.deepEqual(heard.events, [`up ${rude.id}`]);
});
