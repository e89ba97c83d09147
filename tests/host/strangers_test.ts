import assert from "node:assert/strict";
import type { MultiaddrConnection } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import {
  STRANGER_BYTES_MAX,
  Strangers,
  STRANGERS_MAX,
  STRANGERS_PER_HOST_MAX,
} from "../../src/host/strangers.ts";

/** A connection as far as it matters here. */
class FakeConnection extends EventTarget {
  readonly remoteAddr;
  isAborted = false;
  received = 0;

  constructor(address: string) {
    super();
    this.remoteAddr = multiaddr(address);
  }

  onData(data: Uint8Array): void {
    this.received += data.length;
  }

  abort(): void {
    this.isAborted = true;
    this.dispatchEvent(new Event("close"));
  }
}

function comeTo(strangers: Strangers, address: string): FakeConnection {
  const connection = new FakeConnection(address);
  const asked = connection as unknown as MultiaddrConnection;
  assert.equal(strangers.gater.denyInboundConnection!(asked), false);
  return connection;
}

Deno.test("of too many connections of one host that have not greeted the oldest goes", () => {
  const strangers = new Strangers();
  const all = Array.from(
    { length: STRANGERS_PER_HOST_MAX + 3 },
    (_, i) => comeTo(strangers, `/ip4/10.0.0.1/tcp/${i + 1}`),
  );
  assert.equal(strangers.count, STRANGERS_PER_HOST_MAX);
  assert.deepEqual(all.map(({ isAborted }) => isAborted).slice(0, 4), [true, true, true, false]);
});

Deno.test("of too many in all it is one of the host that has the most", () => {
  const strangers = new Strangers();
  const honest = comeTo(strangers, "/ip4/10.0.0.9/tcp/1");
  for (let i = 0; i < STRANGERS_MAX * 3; i++) {
    comeTo(strangers, `/ip4/10.0.0.${1 + i % 3}/tcp/${i + 1}`);
  }
  assert.equal(strangers.count, STRANGERS_MAX);
  assert.equal(honest.isAborted, false);
});

Deno.test("a peer that has greeted counts no more, nor does one that has gone", () => {
  const strangers = new Strangers();
  const greeted = comeTo(strangers, "/ip6/::1/tcp/1");
  comeTo(strangers, "/ip6/::1/tcp/2").abort();
  strangers.greeted("/ip6/::1/tcp/1/p2p/12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d");
  assert.equal(strangers.count, 0);
  greeted.onData(new Uint8Array(STRANGER_BYTES_MAX + 1));
  assert.equal(greeted.received, STRANGER_BYTES_MAX + 1);
  strangers.greeted("/ip6/::1/tcp/1");
  assert.equal(strangers.count, 0);
});

Deno.test("a stranger that sends too much is cut off, and what is too much is not read", () => {
  const strangers = new Strangers();
  const connection = comeTo(strangers, "/ip4/10.0.0.1/tcp/1");
  connection.onData(new Uint8Array(STRANGER_BYTES_MAX));
  assert.deepEqual([connection.received, connection.isAborted], [STRANGER_BYTES_MAX, false]);
  connection.onData(new Uint8Array(1));
  assert.deepEqual([connection.received, connection.isAborted], [STRANGER_BYTES_MAX, true]);
  assert.equal(strangers.count, 0);
});
