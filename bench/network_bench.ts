// What a message costs between two networks of one process over loopback.
//
// One round trip at a time shows the latency; 256 at once show what joining the messages of a turn is
// worth. Both ends share one thread here: two processes do better.

import { createLibp2pNetwork, generateIdentity } from "../src/host/libp2p_network.ts";
import { silentLog } from "../src/host/logtape_log.ts";
import type { Lane, Network, NetworkHandlers, PeerId } from "../src/ports/network.ts";

const AT_ONCE = 256;

interface Peer {
  readonly network: Network;
  readonly up: Promise<PeerId>;
  onMessage: (from: PeerId, lane: Lane, bytes: Uint8Array) => void;
}

async function peer(): Promise<Peer> {
  const network = await createLibp2pNetwork({
    cluster: "bench",
    privateKey: await generateIdentity(),
    listen: ["/ip4/127.0.0.1/tcp/0"],
    log: silentLog,
  });
  const up = Promise.withResolvers<PeerId>();
  const self: Peer = { network, up: up.promise, onMessage: () => {} };
  const handlers: NetworkHandlers = {
    greeting: () => Uint8Array.of(1),
    admit: () => undefined,
    peerUp: (peer) => up.resolve(peer),
    peerDown: (_peer, reason) => {
      throw new Error(`The connection was lost: ${reason}`);
    },
    refusedBy: () => {},
    message: (from, lane, bytes) => self.onMessage(from, lane, bytes),
    published: () => {},
  };
  await network.start(handlers);
  return self;
}

const client = await peer();
const server = await peer();
server.onMessage = (from, lane, bytes) => void server.network.send(from, lane, bytes);
client.network.keepConnected(server.network.addresses(), server.network.self);
const to = await client.up;
await server.up;

/** Sends `count` messages and resolves when all are back. */
function roundTrips(message: Uint8Array, count: number, lane: Lane = "request"): Promise<void> {
  return new Promise((resolve, reject) => {
    let back = 0;
    client.onMessage = () => {
      if (++back === count) resolve();
    };
    for (let i = 0; i < count; i++) {
      if (!client.network.send(to, lane, message)) reject(new Error("The queue is full"));
    }
  });
}

const small = new Uint8Array(120);
const kibibyte = new Uint8Array(1024);
const large = new Uint8Array(64 * 1024);

Deno.bench("round trip of 120 bytes", { group: "one at a time", baseline: true }, async () => {
  await roundTrips(small, 1);
});

Deno.bench("round trip of 1 KiB", { group: "one at a time" }, async () => {
  await roundTrips(kibibyte, 1);
});

Deno.bench("round trip of 64 KiB, bulk", { group: "one at a time" }, async () => {
  await roundTrips(large, 1, "bulk");
});

Deno.bench(`${AT_ONCE} round trips of 120 bytes at once`, {
  group: "many at once",
  baseline: true,
}, async () => {
  await roundTrips(small, AT_ONCE);
});

Deno.bench(`${AT_ONCE} round trips of 1 KiB at once`, { group: "many at once" }, async () => {
  await roundTrips(kibibyte, AT_ONCE);
});
