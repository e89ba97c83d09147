// What every network must do; see the contract in src/ports/network.ts.

import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type {
  Lane,
  Network,
  NetworkHandlers,
  PeerId,
  Refusal,
  Refuser,
} from "../../src/ports/network.ts";
import { LIMITS } from "../../src/wire/limits.ts";

/** A network under test. */
export interface NetworkHarness {
  /**
   * Makes a network that is not started. `identity` (a small number) decides the peer id, so that a peer
   * can return; `listen` is an address that `freeAddress` or another network gave.
   */
  create(options?: { cluster?: string; identity?: number; listen?: string }): Promise<Network>;
  /** A peer that may pass on what it hears as it likes. */
  forger(): Promise<Forger>;
  /** An address that nobody listens on, without a peer id. */
  freeAddress(): string;
  until(condition: () => boolean, what: string): Promise<void>;
  /** Lets time pass in which something could happen that must not. */
  settle(): Promise<void>;
  /** Stops whatever is left. */
  close(): Promise<void>;
}

/** A peer that hears what others publish and passes on what it makes of that. */
export interface Forger {
  readonly id: PeerId;
  /** Is let in by a network as a peer, and takes part in its gossip. */
  join(network: Network, heard: Listener): Promise<void>;
  /** What it has heard, the oldest first. */
  readonly overheard: readonly Overheard[];
  stop(): Promise<void>;
}

/** Something published that a forger has heard, and may pass on with other bytes or in another's name. */
export interface Overheard {
  readonly text: string;
  passOn(changes?: { readonly from?: PeerId; readonly bytes?: Uint8Array }): void;
}

/** Handlers that write down what they are told. */
export class Listener implements NetworkHandlers {
  readonly events: string[] = [];
  readonly messages: { from: PeerId; lane: Lane; bytes: Uint8Array }[] = [];
  readonly published_: string[] = [];
  readonly publishers: PeerId[] = [];
  readonly refusals: { readonly peer: PeerId; readonly refusal: Refusal; readonly by: Refuser }[] =
    [];
  readonly greetings: string[] = [];
  onMessage: ((from: PeerId, lane: Lane, bytes: Uint8Array) => void) | undefined;
  refuse: ((peer: PeerId) => Refusal | undefined) | undefined;

  constructor(readonly words = "hello") {}

  greeting(): Uint8Array {
    return utf8(this.words);
  }

  admit(peer: PeerId, greeting: Uint8Array): Refusal | undefined {
    this.greetings.push(utf8Text(greeting));
    return this.refuse?.(peer);
  }

  peerUp(peer: PeerId): void {
    this.events.push(`up ${peer}`);
  }

  peerDown(peer: PeerId, reason: string): void {
    assert.ok(reason.length > 0);
    this.events.push(`down ${peer}`);
  }

  refusedBy(peer: PeerId, refusal: Refusal, by: Refuser): void {
    const greeting = by.greeting?.slice();
    this.refusals.push({ peer, refusal, by: { ...by, greeting } });
  }

  message(from: PeerId, lane: Lane, bytes: Uint8Array): void {
    assert.equal(bytes.constructor, Uint8Array, "no Buffer, whose slice() is no copy");
    this.messages.push({ from, lane, bytes: bytes.slice() });
    this.onMessage?.(from, lane, bytes);
  }

  published(from: PeerId, bytes: Uint8Array): void {
    assert.equal(bytes.constructor, Uint8Array);
    this.publishers.push(from);
    this.published_.push(utf8Text(bytes));
  }

  isUp(peer: PeerId): boolean {
    const last = this.events.findLast((event) => event.endsWith(` ${peer}`));
    return last === `up ${peer}`;
  }

  count(event: "up" | "down", peer: PeerId): number {
    return this.events.filter((it) => it === `${event} ${peer}`).length;
  }
}

const nameTaken: Refusal = {
  code: "name_in_use",
  message: "This name is taken",
  details: { node: "n1", upTo: Number.MAX_SAFE_INTEGER },
};
const notYet: Refusal = { code: "not_yet", message: "Not yet", details: {} };

/** A started network with its listener. */
interface Peer {
  readonly network: Network;
  readonly heard: Listener;
  readonly id: PeerId;
}

export function networkContract(name: string, makeHarness: () => NetworkHarness): void {
  const test = (what: string, body: (world: World) => Promise<void>) => {
    Deno.test(`${name}: ${what}`, async () => {
      const harness = makeHarness();
      try {
        await body(new World(harness));
      } finally {
        await harness.close();
      }
    });
  };

  test("two peers greet, and messages and publications pass", async (world) => {
    const a = await world.peer({ words: "I am a" });
    const b = await world.peer({ words: "I am b" });
    a.network.keepConnected(b.network.addresses(), b.id);
    await world.connected(a, b);
    assert.deepEqual([a.heard.greetings, b.heard.greetings], [["I am b"], ["I am a"]]);

    assert.equal(a.network.send(b.id, "request", utf8("a question")), true);
    assert.equal(b.network.send(a.id, "bulk", utf8("much data")), true);
    await world.until(() => a.heard.messages.length + b.heard.messages.length === 2, "both arrive");
    assert.deepEqual(b.heard.messages, [{
      from: a.id,
      lane: "request",
      bytes: utf8("a question"),
    }]);
    assert.deepEqual(a.heard.messages, [{ from: b.id, lane: "bulk", bytes: utf8("much data") }]);

    await world.gossip(a, b);
    await world.gossip(b, a);
  });

  test("messages arrive whole and in order, though the caller uses its bytes again", async (world) => {
    const [a, b] = await world.pair();
    const sizes = [1, 100, 65_535, 70_000, 3, LIMITS.message, 2, 300_000];
    const buffer = new Uint8Array(LIMITS.message);
    sizes.forEach((size, i) => {
      for (const lane of ["request", "bulk"] as const) {
        buffer.fill(i + 1, 0, size);
        assert.equal(a.network.send(b.id, lane, buffer.subarray(0, size)), true);
      }
    });
    await world.until(() => b.heard.messages.length === 2 * sizes.length, "all arrive");
    for (const lane of ["request", "bulk"]) {
      const arrived = b.heard.messages.filter((message) => message.lane === lane);
      assert.deepEqual(arrived.map(({ bytes }) => bytes.length), sizes);
      arrived.forEach(({ bytes }, i) => assert.ok(bytes.every((byte) => byte === i + 1)));
    }
  });

  test("many small messages there and back keep their order", async (world) => {
    const [a, b] = await world.pair();
    b.heard.onMessage = (from, lane, bytes) => assert.ok(b.network.send(from, lane, bytes));
    const count = 2_000;
    for (let i = 0; i < count; i++) {
      assert.ok(a.network.send(b.id, "request", utf8(`message ${i}`)));
    }
    await world.until(() => a.heard.messages.length === count, "all come back");
    a.heard.messages.forEach(({ bytes }, i) => assert.equal(utf8Text(bytes), `message ${i}`));
  });

  test("send() refuses what no message can be, and peers that are not up", async (world) => {
    const [a, b] = await world.pair();
    const stranger = await world.peer();
    assert.equal(a.network.send(stranger.id, "request", utf8("anybody?")), false);
    assert.throws(() => a.network.send(b.id, "request", new Uint8Array(0)), RangeError);
    const tooLong = new Uint8Array(LIMITS.message + 1);
    assert.throws(() => a.network.send(b.id, "bulk", tooLong), RangeError);
  });

  test("a full queue says no, and what it took arrives", async (world) => {
    const [a, b] = await world.pair();
    const message = new Uint8Array(LIMITS.message);
    let taken = 0;
    while (a.network.send(b.id, "bulk", message.fill(taken))) {
      taken++;
      assert.ok(taken < 1000, "the queue has a limit");
    }
    assert.ok(taken > 0);
    await world.until(() => b.heard.messages.length === taken, "what was taken arrives");
    b.heard.messages.forEach(({ bytes }, i) => assert.equal(bytes[0], i));
    assert.equal(a.network.send(b.id, "bulk", message), true);
  });

  test("an address without a peer id leads to whoever answers there", async (world) => {
    const a = await world.peer();
    const b = await world.peer();
    a.network.keepConnected([bare(b.network.addresses()[0]!)]);
    await world.connected(a, b);
  });

  test("an address at which another peer answers leads to nobody", async (world) => {
    const a = await world.peer();
    const b = await world.peer();
    const c = await world.peer();
    a.network.keepConnected([bare(b.network.addresses()[0]!)], c.id);
    await world.harness.settle();
    assert.deepEqual(a.heard.events, []);
    a.network.keepConnected(c.network.addresses(), c.id);
    await world.connected(a, c);
    assert.deepEqual(b.heard.events, []);
  });

  test("a peer is found though it begins to listen later", async (world) => {
    const a = await world.peer();
    const listen = world.harness.freeAddress();
    a.network.keepConnected([listen]);
    await world.harness.settle();
    assert.deepEqual(a.heard.events, []);
    const b = await world.peer({ listen });
    await world.connected(a, b);
  });

  test("our own address among those to join is dropped quietly", async (world) => {
    const a = await world.peer();
    const [address] = a.network.addresses();
    a.network.keepConnected([address!]);
    a.network.keepConnected([bare(address!)]);
    a.network.keepConnected([address!], a.id);
    const b = await world.peer();
    a.network.keepConnected(b.network.addresses(), b.id);
    await world.connected(a, b);
    await world.harness.settle();
    assert.deepEqual(a.heard.events, [`up ${b.id}`]);
    assert.deepEqual(a.heard.refusals, []);
  });

  for (const [smaller, larger] of [[0, 1], [1, 0]] as const) {
    test(`a refused peer hears why and nothing else passes, ids ${smaller} ${larger}`, async (world) => {
      const [a, b] = await world.peersByIdentity(smaller, larger);
      b.heard.refuse = () => nameTaken;
      a.network.keepConnected(b.network.addresses(), b.id);
      await world.until(() => a.heard.refusals.length > 0, "the refusal arrives");
      const by = { greeting: utf8(b.heard.words), isDialled: true };
      assert.deepEqual(a.heard.refusals[0], { peer: b.id, refusal: nameTaken, by });
      assert.equal(a.network.send(b.id, "request", utf8("let me in")), false);
      a.network.publish(utf8("hear me"));
      b.network.publish(utf8("secret"));
      const c = await world.peer();
      c.network.keepConnected(b.network.addresses(), b.id);
      b.heard.refuse = (peer) => peer === a.id ? nameTaken : undefined;
      await world.connected(c, b);
      await world.gossip(c, b);
      assert.deepEqual(a.heard.published_, []);
      assert.ok(!b.heard.published_.includes("hear me"));
      assert.deepEqual([a.heard.events, a.heard.messages, b.heard.messages], [[], [], []]);
      assert.equal(b.heard.count("up", a.id), 0);
    });
  }

  test("a refused peer asks again, and is let in when it may", async (world) => {
    const a = await world.peer();
    const b = await world.peer();
    let asked = 0;
    a.heard.refuse = () => asked++ === 0 ? notYet : undefined;
    b.network.keepConnected(a.network.addresses(), a.id);
    await world.until(() => b.heard.refusals.length > 0, "the first refusal");
    await world.connected(a, b);
  });

  for (const [dialler, listener] of [[0, 1], [1, 0]] as const) {
    test(`peers of two clusters both hear of it, ids ${dialler} ${listener}`, async (world) => {
      const a = await world.peer({ cluster: "blue", identity: dialler });
      const b = await world.peer({ cluster: "red", identity: listener });
      a.network.keepConnected(b.network.addresses(), b.id);
      for (const { heard } of [a, b]) {
        await world.until(() => heard.refusals.length > 0, "the refusal arrives");
        const { refusal, by } = heard.refusals[0]!;
        assert.equal(refusal.code, "other_cluster");
        assert.match(refusal.message, /cluster.*(blue.*red|red.*blue)/);
        assert.equal(by.greeting, undefined, "it is no peer of ours");
        assert.equal(by.isDialled, heard === a.heard);
      }
      assert.deepEqual([a.heard.events, b.heard.events], [[], []]);
      assert.deepEqual([a.heard.greetings, b.heard.greetings], [[], []], "nobody is judged");
    });
  }

  test("two peers that dial each other at once are up once", async (world) => {
    for (let round = 0; round < 3; round++) {
      const a = await world.peer();
      const b = await world.peer();
      a.network.keepConnected(b.network.addresses(), b.id);
      b.network.keepConnected([bare(a.network.addresses()[0]!)]);
      a.network.keepConnected([bare(b.network.addresses()[0]!)]);
      await world.connected(a, b);
      await world.harness.settle();
      assert.deepEqual([a.heard.events, b.heard.events], [[`up ${b.id}`], [`up ${a.id}`]]);
      await world.exchange(a, b);
      await world.gossip(a, b);
      await world.gossip(b, a);
    }
  });

  for (const [first, second] of [[0, 1], [1, 0]] as const) {
    test(`a peer that stops and returns is up again, ids ${first} ${second}`, async (world) => {
      const [a, b] = await world.peersByIdentity(first, second);
      const listen = bare(b.network.addresses()[0]!);
      a.network.keepConnected(b.network.addresses(), b.id);
      await world.connected(a, b);
      await b.network.stop();
      await world.until(() => a.heard.count("down", b.id) === 1, "the loss is noticed");
      assert.equal(a.network.send(b.id, "request", utf8("still there?")), false);
      const returned = await world.peer({ identity: second, listen });
      assert.equal(returned.id, b.id);
      await world.connected(a, returned);
      await world.exchange(a, returned);
      await world.gossip(a, returned);
      await world.gossip(returned, a);
      assert.deepEqual(a.heard.events, [`up ${b.id}`, `down ${b.id}`, `up ${b.id}`]);
    });
  }

  for (const [third, twin] of [[0, 1], [1, 0]] as const) {
    test(`of two live processes with one identity the earlier stays, ids ${third} ${twin}`, async (world) => {
      const [t, first] = await world.peersByIdentity(third, twin);
      first.network.keepConnected(t.network.addresses(), t.id);
      await world.connected(t, first);
      const second = await world.peer({ identity: twin });
      second.network.keepConnected(t.network.addresses(), t.id);
      await world.until(() => second.heard.refusals.length > 1, "the later is refused, and again");
      for (const { peer, refusal, by } of second.heard.refusals) {
        assert.deepEqual([peer, refusal.code], [t.id, "identity_in_use"]);
        assert.ok(String(refusal.details.address).length > 0, "it is told where the other is");
        assert.deepEqual(by.greeting, utf8(t.heard.words));
      }
      assert.deepEqual([t.heard.events, second.heard.events], [[`up ${first.id}`], []]);
      await world.exchange(t, first);
      await first.network.stop();
      await world.until(() => t.heard.count("up", first.id) === 2, "the later is let in at last");
      await world.until(() => second.heard.isUp(t.id), "the later is let in at last");
    });

    test(`an earlier process that comes second takes its place back, ids ${third} ${twin}`, async (world) => {
      const first = await world.peer({ identity: twin });
      const second = await world.peer({ identity: twin });
      const t = await world.peer({ identity: third });
      second.network.keepConnected(t.network.addresses(), t.id);
      await world.connected(t, second);
      first.network.keepConnected(t.network.addresses(), t.id);
      await world.until(() => first.heard.isUp(t.id), "the earlier is let in");
      await world.until(() => second.heard.refusals.length > 0, "the later is refused");
      await world.exchange(t, first);
      assert.deepEqual(first.heard.events, [`up ${t.id}`]);
    });
  }

  test("a process that calls itself and is answered by another is told so, if it is the later", async (world) => {
    const first = await world.peer({ identity: 0 });
    const second = await world.peer({ identity: 0 });
    second.network.keepConnected([bare(first.network.addresses()[0]!)]);
    first.network.keepConnected([bare(second.network.addresses()[0]!)]);
    await world.until(() => second.heard.refusals.length > 1, "it is told, and again");
    const { peer, refusal, by } = second.heard.refusals[0]!;
    assert.deepEqual([peer, refusal.code, by.isDialled], [second.id, "identity_in_use", true]);
    assert.deepEqual([first.heard.refusals, first.heard.events], [[], []]);
  });

  test("reset() ends the connection, which comes back", async (world) => {
    const [a, b] = await world.pair();
    b.network.reset(a.id, "It broke the rules");
    assert.equal(b.heard.count("down", a.id), 0, "no handler is called within a method");
    assert.equal(b.network.send(a.id, "request", utf8("too late")), false);
    await world.until(() => a.heard.count("up", b.id) === 2, "it comes back");
    await world.until(() => b.heard.count("up", a.id) === 2, "it comes back");
    assert.equal(a.heard.count("down", b.id), 1);
    assert.equal(b.heard.count("down", a.id), 1);
    await world.exchange(a, b);
    await world.gossip(a, b);
  });

  test("reset() within a message handler lets no further message through", async (world) => {
    const [a, b] = await world.pair();
    b.heard.onMessage = (from) => b.network.reset(from, "One is enough");
    for (let i = 0; i < 10; i++) a.network.send(b.id, "request", Uint8Array.of(i));
    await world.until(() => b.heard.count("down", a.id) === 1, "the reset");
    assert.equal(b.heard.messages.length, 1);
  });

  test("forget() ends the connection for good", async (world) => {
    const [a, b] = await world.pair();
    a.network.forget(b.id);
    assert.equal(a.heard.count("down", b.id), 0, "no handler is called within a method");
    await world.until(() => b.heard.count("down", a.id) === 1, "the end is noticed");
    await world.until(() => a.heard.count("down", b.id) === 1, "the end is noticed");
    await world.harness.settle();
    assert.deepEqual(a.heard.events, [`up ${b.id}`, `down ${b.id}`]);
    a.network.keepConnected(b.network.addresses(), b.id);
    await world.connected(a, b);
  });

  test("publish() with nobody there does nothing, and the same words twice are heard twice", async (world) => {
    const a = await world.peer();
    a.network.publish(utf8("alone"));
    const b = await world.peer();
    a.network.keepConnected(b.network.addresses(), b.id);
    await world.connected(a, b);
    await world.gossip(a, b);
    a.network.publish(utf8("twice"));
    a.network.publish(utf8("twice"));
    const twice = () => b.heard.published_.filter((words) => words === "twice").length;
    await world.until(() => twice() === 2, "both are heard");
    assert.deepEqual(a.heard.published_, [], "nobody hears himself");
  });

  test("what is published is heard once and with its publisher, whoever passes it on or alters it", async (world) => {
    const a = await world.peer();
    const b = await world.peer();
    const forger = await world.harness.forger();
    try {
      await forger.join(a.network, a.heard);
      await forger.join(b.network, b.heard);
      let tries = 0;
      await world.until(() => {
        a.network.publish(utf8(`genuine ${tries++}`));
        return forger.overheard.length >= 2;
      }, "the forger hears what a publishes");
      const [spoilt, genuine] = forger.overheard as [Overheard, Overheard];

      genuine.passOn({ from: forger.id });
      genuine.passOn({ from: b.id });
      genuine.passOn({ bytes: utf8("altered") });
      spoilt.passOn({ from: b.id, bytes: utf8("forged") });
      genuine.passOn();
      genuine.passOn();
      await world.until(() => b.heard.published_.length > 0, "b hears what is genuine");
      genuine.passOn();
      await world.harness.settle();
      assert.deepEqual(b.heard.published_, [genuine.text]);
      assert.deepEqual(b.heard.publishers, [a.id], "whoever has passed it on");
      assert.deepEqual(a.heard.published_, [], "nobody hears his own words again");
    } finally {
      await forger.stop();
    }
  });

  test("thirteen peers on one host all meet, and all hear each other", async (world) => {
    const peers: Peer[] = [];
    for (let i = 0; i < 13; i++) peers.push(await world.peer());
    const [first, ...others] = peers;
    for (const other of others) {
      other.network.keepConnected([bare(first!.network.addresses()[0]!)]);
      for (const peer of others) {
        if (peer.id < other.id) other.network.keepConnected(peer.network.addresses(), peer.id);
      }
    }
    const knowsAll = (peer: Peer) => peers.every(({ id }) => id === peer.id || peer.heard.isUp(id));
    await world.until(() => peers.every(knowsAll), "everybody is up for everybody");
    for (const other of others) await world.gossip(first!, other);
    for (const other of others) await world.gossip(other, first!);
    for (const peer of peers) {
      assert.equal(peer.heard.events.length, peers.length - 1, "no connection was lost");
    }
  });

  test("start() rejects when its address is in use, and names it", async (world) => {
    const a = await world.peer();
    const address = bare(a.network.addresses()[0]!);
    const second = await world.harness.create({ listen: address });
    await assert.rejects(second.start(new Listener()), (error: Error) => {
      assert.ok(error.message.includes(address), error.message);
      assert.match(error.message, /in use/);
      return true;
    });
  });

  test("stop() is the end: nothing is sent, heard or called, also when stopped twice", async (world) => {
    const [a, b] = await world.pair();
    const before = a.heard.events.length;
    b.network.send(a.id, "request", utf8("just before"));
    const stopped = a.network.stop();
    await Promise.all([stopped, a.network.stop()]);
    assert.equal(a.network.send(b.id, "request", utf8("after")), false);
    a.network.publish(utf8("after"));
    a.network.keepConnected(b.network.addresses(), b.id);
    const heard = a.heard.messages.length;
    await world.until(() => b.heard.count("down", a.id) === 1, "the other side notices");
    await world.harness.settle();
    assert.equal(a.heard.events.length, before);
    assert.equal(a.heard.messages.length, heard);
    assert.equal(b.heard.count("up", a.id), 1);
    const never = await world.harness.create();
    await never.stop();
  });
}

/** The peers of one test. */
class World {
  constructor(readonly harness: NetworkHarness) {}

  async peer(
    options: { cluster?: string; identity?: number; listen?: string; words?: string } = {},
  ): Promise<Peer> {
    const { words, ...rest } = options;
    const network = await this.harness.create(rest);
    const heard = new Listener(words);
    await network.start(heard);
    return { network, heard, id: network.self };
  }

  /** Two peers of which the first has connected to the second. */
  async pair(): Promise<[Peer, Peer]> {
    const a = await this.peer();
    const b = await this.peer();
    a.network.keepConnected(b.network.addresses(), b.id);
    await this.connected(a, b);
    return [a, b];
  }

  /** Two peers with fixed ids: both orders of the ids are worth a test. */
  async peersByIdentity(first: number, second: number): Promise<[Peer, Peer]> {
    return [await this.peer({ identity: first }), await this.peer({ identity: second })];
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.harness.until(condition, what);
  }

  async connected(a: Peer, b: Peer): Promise<void> {
    await this.until(() => a.heard.isUp(b.id) && b.heard.isUp(a.id), "both are up");
  }

  /** A message from each to the other. */
  async exchange(a: Peer, b: Peer): Promise<void> {
    const words = utf8(`exchange ${a.heard.messages.length} ${b.heard.messages.length}`);
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const before = to.heard.messages.length;
      assert.equal(from.network.send(to.id, "request", words), true);
      await this.until(() => to.heard.messages.length > before, "the message arrives");
      assert.deepEqual(to.heard.messages.at(-1), { from: from.id, lane: "request", bytes: words });
    }
  }

  /** Publishes until it is heard: what is published before everybody knows everybody may be lost. */
  async gossip(from: Peer, to: Peer): Promise<void> {
    const prefix = `gossip ${from.id} ${to.heard.published_.length} `;
    const isHeard = () => to.heard.published_.some((words) => words.startsWith(prefix));
    for (let tries = 0; tries < 500 && !isHeard(); tries++) {
      from.network.publish(utf8(prefix + tries));
      let polls = 0;
      await this.until(() => isHeard() || ++polls > 20, "the publication is heard");
    }
    assert.ok(isHeard(), `${to.id} hears what ${from.id} publishes`);
    const at = to.heard.published_.findIndex((words) => words.startsWith(prefix));
    assert.equal(to.heard.publishers[at], from.id, "the publisher is known");
  }
}

/** An address without its `/p2p/…`. */
export function bare(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, "");
}
