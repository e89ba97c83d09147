import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type { Network } from "../../src/ports/network.ts";
import { randomBelow } from "../../src/ports/random.ts";
import {
  type Forger,
  Listener,
  networkContract,
  type NetworkHarness,
  type Overheard,
} from "../contracts/network_contract.ts";
import { type Fate, SILENCE_MS, type Tap } from "./memory_connection.ts";
import { type MemoryNetwork, MemoryWorld } from "./memory_network.ts";
import { VirtualTime } from "./virtual_clock.ts";

Deno.test("a cut holds messages back until it heals, one direction at a time", async () => {
  const { time, world, a, b } = await connectedPair();
  world.cut("a", "b");
  a.network.send("b", "request", utf8("held"));
  b.network.send("a", "request", utf8("free"));
  await time.pass(SILENCE_MS / 2);
  assert.deepEqual([a.heard.messages.length, b.heard.messages.length], [1, 0]);
  a.network.send("b", "request", utf8("held too"));
  world.heal("a", "b");
  await time.pass(10);
  assert.deepEqual(b.heard.messages.map(({ bytes }) => utf8Text(bytes)), ["held", "held too"]);
  assert.deepEqual(b.heard.events, ["up a"]);
});

Deno.test("a long cut ends the connection, and what was held is lost", async () => {
  const { time, world, a, b } = await connectedPair();
  world.cut("a", "b");
  a.network.send("b", "request", utf8("lost"));
  await time.pass(SILENCE_MS + 10);
  assert.deepEqual([a.heard.count("down", "b"), b.heard.count("down", "a")], [1, 1]);
  world.heal("a", "b");
  await time.until(() => a.heard.isUp("b") && b.heard.isUp("a"), "they find each other again");
  assert.deepEqual(b.heard.messages, []);
});

Deno.test("a machine that vanishes is noticed by its silence, and may return before that", async () => {
  const { time, world, a, b } = await connectedPair();
  b.network.vanish();
  await time.pass(SILENCE_MS - 10);
  assert.deepEqual(a.heard.events, ["up b"]);
  const again = new Listener();
  const returned = world.network({ self: "b", cluster: "test", listen: "/memory/b" });
  await returned.start(again);
  returned.keepConnected(["/memory/a"], "a");
  await time.until(() => again.isUp("a") && a.heard.count("up", "b") === 2, "it is up again");
  assert.deepEqual(a.heard.events, ["up b", "down b", "up b"]);
  await time.pass(SILENCE_MS);
  assert.deepEqual(a.heard.events, ["up b", "down b", "up b"]);
  assert.equal(b.heard.events.length, 1);
});

Deno.test("what is sent as soon as the other is up arrives, though the other has not heard of that yet", async () => {
  const time = new VirtualTime();
  let delayMs = 50;
  const world = new MemoryWorld({ clock: time.clock(), delayMs: () => delayMs });
  const peer = (self: string) => ({
    network: world.network({ self, cluster: "test", listen: `/memory/${self}` }),
    heard: new Listener(),
  });
  const [a, b] = [peer("a"), peer("b")];
  for (const { heard, network } of [a, b]) await network.start(heard);
  a.network.keepConnected(["/memory/b"], "b");
  await time.until(() => a.heard.isUp("b"), "a has the connection");
  assert.equal(b.heard.isUp("a"), false);
  delayMs = 1;
  a.network.send("b", "request", utf8("early"));
  await time.pass(100);
  assert.deepEqual(b.heard.messages.map(({ bytes }) => utf8Text(bytes)), ["early"]);
  assert.deepEqual(b.heard.events, ["up a"]);
});

Deno.test("one seed gives one history", async () => {
  const histories = await Promise.all([1, 1, 2].map(history));
  assert.deepEqual(histories[0], histories[1]);
  assert.notDeepEqual(histories[0], histories[2]);
});

networkContract("MemoryNetwork", () => new MemoryHarness());

/** What arrives of three messages if this befalls the first that would arrive. */
async function arrivals(fate: Fate): Promise<string[]> {
  const fates: Fate[] = [];
  const { time, a, b } = await connectedPair(() => fates.shift() ?? "arrives");
  const heard: string[] = [];
  b.heard.onMessage = (_from, _lane, bytes) => void heard.push(utf8Text(bytes));
  fates.push(fate);
  for (const text of ["first", "second", "third"]) a.network.send("b", "request", utf8(text));
  await time.pass(1_000);
  return heard;
}

Deno.test("a world may ask for worse than TCP: lost, repeated, overtaken and damaged messages", async () => {
  assert.deepEqual(await arrivals("arrives"), ["first", "second", "third"]);
  assert.deepEqual(await arrivals("repeated"), ["first", "second", "third", "first"]);
  assert.deepEqual(await arrivals("overtaken"), ["second", "first", "third"]);
  assert.deepEqual(await arrivals("lost"), ["second", "third"]);
  const [damaged, ...rest] = await arrivals("damaged");
  assert.ok("first".startsWith(damaged!) || damaged === "first\0");
  assert.notEqual(damaged, "first");
  assert.deepEqual(rest, ["second", "third"]);
});

Deno.test("a tap hears what is published and who takes it, which messages arrive, and how often a way was cut", async () => {
  const story: string[] = [];
  const { a, time, world } = await connectedPair(undefined, {
    sent: () => (deliver) => deliver(),
    arrives: (from, to) => story.push(`${from} > ${to}`),
    published: (from) => {
      story.push(`${from} publishes`);
      return (to) => story.push(`${to} takes it`);
    },
  });
  a.network.publish(utf8("hello"));
  a.network.send("b", "request", utf8("hello"));
  await time.pass(100);
  assert.deepEqual(story.splice(0), ["a publishes", "b takes it", "a > b"]);

  world.cut("a", "b");
  world.cut("a", "b");
  a.network.publish(utf8("hello"));
  await time.pass(100);
  assert.deepEqual(story, ["a publishes"]);
  for (let i = 0; i < 2; i++) world.heal("a", "b");
  world.cut("a", "b");
  assert.equal(world.cutCount("a", "b"), 2);
  assert.equal(world.cutCount("b", "a"), 0);
});

async function connectedPair(fate?: () => Fate, tap?: Tap) {
  const time = new VirtualTime();
  const world = new MemoryWorld({ clock: time.clock(), fate, tap });
  const peer = async (self: string) => {
    const network = world.network({ self, cluster: "test", listen: `/memory/${self}` });
    const heard = new Listener();
    await network.start(heard);
    return { network, heard };
  };
  const a = await peer("a");
  const b = await peer("b");
  a.network.keepConnected(["/memory/b"], "b");
  await time.until(() => a.heard.isUp("b") && b.heard.isUp("a"), "both are up");
  return { time, world, a, b };
}

/** Three peers that talk while connections break, under one seed: what the first heard, and when. */
async function history(seed: number): Promise<string[]> {
  const time = new VirtualTime();
  const random = new SeededRandom(seed);
  const world = new MemoryWorld({
    clock: time.clock(),
    random,
    delayMs: () => 1 + randomBelow(random, 20),
    losesPublication: () => randomBelow(random, 4) === 0,
  });
  const story: string[] = [];
  const names = ["a", "b", "c"];
  const networks = names.map((self) => {
    return world.network({ self, cluster: "test", listen: `/memory/${self}` });
  });
  for (const network of networks) {
    const heard = new Listener();
    heard.onMessage = (from, _lane, bytes) => {
      story.push(`${time.nowMs} ${from}>${network.self} ${utf8Text(bytes)}`);
    };
    await network.start(heard);
    for (const name of names) network.keepConnected([`/memory/${name}`], name);
  }
  for (let i = 0; i < 200; i++) {
    await time.pass(randomBelow(random, 50));
    const [from, to] = [randomBelow(random, 3), randomBelow(random, 3)];
    if (i % 20 === 19) world.breakConnection(names[from]!, names[to]!);
    else networks[from]!.send(names[to]!, "request", utf8(`message ${i}`));
  }
  assert.ok(story.length > 50, `${story.length} messages arrived`);
  return story;
}

class MemoryHarness implements NetworkHarness {
  readonly #time = new VirtualTime();
  readonly #world = new MemoryWorld({ clock: this.#time.clock() });
  readonly #networks: Network[] = [];
  #count = 0;

  create(
    options: { cluster?: string; identity?: number; listen?: string } = {},
  ): Promise<Network> {
    const number = ++this.#count;
    const network = this.#world.network({
      self: options.identity === undefined ? `peer${number}` : `fixed${options.identity}`,
      cluster: options.cluster ?? "test",
      listen: options.listen ?? `/memory/n${number}`,
    });
    this.#networks.push(network);
    return Promise.resolve(network);
  }

  async forger(): Promise<Forger> {
    const network = await this.create() as MemoryNetwork;
    const overheard: Overheard[] = [];
    network.overhears = (publication) => {
      const text = utf8Text(publication.bytes);
      if (overheard.some((other) => other.text === text)) return;
      const passOn: Overheard["passOn"] = (changes) => {
        network.passOn(changes === undefined ? publication : { ...publication, ...changes });
      };
      overheard.push({ text, passOn });
    };
    await network.start(new Listener());
    return {
      id: network.self,
      overheard,
      join: async (other, heard) => {
        network.keepConnected(other.addresses(), other.self);
        await this.until(() => heard.isUp(network.self), "the forger is up");
      },
      stop: () => network.stop(),
    };
  }

  freeAddress(): string {
    return `/memory/free${++this.#count}`;
  }

  /** Asks once per virtual millisecond, as the real one does, since a condition may itself do something. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const endMs = this.#time.nowMs + 120_000;
    while (!condition()) {
      if (this.#time.nowMs >= endMs) throw new Error(`Did not happen in time: ${what}`);
      await this.#time.pass(1);
    }
  }

  settle(): Promise<void> {
    return this.#time.pass(30_000);
  }

  async close(): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.stop()));
  }
}
