import assert from "node:assert/strict";
import { MalformedError } from "../../src/base/malformed.ts";
import type { Timer } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Network, PeerId } from "../../src/ports/network.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import { DenamoError, OverloadedError } from "../../src/wire/errors.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { encodeAnswer, type Method, METHODS } from "../../src/wire/message_codec.ts";
import { NONSENSE_IN_A_ROW, readCarried } from "../../src/wire/nonsense.ts";
import { type Reply, Rpc } from "../../src/wire/rpc.ts";
import type { Standing } from "../../src/wire/standing.ts";

/** A clock that moves when it is told to. */
class HandClock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now = () => this.#now;
  monotonic = () => this.#now;
  after(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return { cancel: () => this.#timers = this.#timers.filter((one) => one !== timer) };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      this.#timers.sort((a, b) => a.at - b.at);
      const [next] = this.#timers;
      if (next === undefined || next.at > end) break;
      this.#timers.shift();
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}

/** Two nodes and the bytes between them, which move when they are told to. */
class World {
  readonly clock = new HandClock();
  readonly errors: string[] = [];
  readonly resets: string[] = [];
  readonly sent: { from: PeerId; to: PeerId; bytes: Uint8Array }[] = [];
  readonly nodes = new Map<PeerId, Rpc>();
  readonly standings = new Map<PeerId, Standing>();
  readonly warnings: string[] = [];
  isFull = false;

  node(id: PeerId): Rpc {
    const network = {
      self: id,
      send: (to: PeerId, _lane: string, bytes: Uint8Array) => {
        if (this.isFull) return false;
        this.sent.push({ from: id, to, bytes: bytes.slice() });
        return true;
      },
      reset: (peer: PeerId, reason: string) => this.resets.push(`${id} resets ${peer}: ${reason}`),
    } as unknown as Network;
    const log = {
      error: (message: string) => this.errors.push(message),
      warn: (message: string, fields: unknown) =>
        this.warnings.push(`${message} ${JSON.stringify(fields)}`),
    } as unknown as Log;
    const standingOf = (peer: PeerId) => this.standings.get(peer) ?? "member";
    const rpc = new Rpc(network, this.clock, new Deadlines(this.clock), log, standingOf);
    this.nodes.set(id, rpc);
    return rpc;
  }

  async deliver(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      for (const { from, to, bytes } of this.sent.splice(0)) {
        this.nodes.get(to)!.receive(from, "request", bytes);
      }
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  }
}

function pair() {
  const world = new World();
  const [a, b] = [world.node("A"), world.node("B")];
  a.peerUp("B");
  b.peerUp("A");
  return { world, a, b };
}

Deno.test("call() resolves with what the other side answers", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, (request, from) => [from, request.arguments]);
  const reply = a.call("B", METHODS.read, ["x", 1], 1000);
  await world.deliver();
  assert.deepEqual(await reply, ["A", ["x", 1]]);
  assert.equal(a.openCount, 0);
});

Deno.test("a DenamoError of the handler arrives as it was", async () => {
  const { world, a, b } = pair();
  b.serve(
    METHODS.read,
    () => Promise.reject(new DenamoError("corrupt", "no", "Bad", { where: "x" })),
  );
  const reply = a.call("B", METHODS.read, [], 1000);
  reply.catch(() => {});
  await world.deliver();
  await assert.rejects(reply, {
    code: "corrupt",
    outcome: "no",
    message: "Bad",
    details: { where: "x" },
  });
});

Deno.test("any other error of a handler is logged, and its outcome is unknown", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, () => {
    throw new TypeError("oops");
  });
  const reply = a.call("B", METHODS.read, [], 1000);
  reply.catch(() => {});
  await world.deliver();
  await assert.rejects(reply, { code: "internal", outcome: "unknown" });
  assert.equal(world.errors.length, 1);
});

Deno.test("a request that is too large is not sent, and an answer that is says so", async () => {
  const { world, a, b } = pair();
  const large = new Uint8Array(LIMITS.message);
  await assert.rejects(a.call("B", METHODS.store, [large], 1000), {
    code: "too_large",
    outcome: "no",
  });
  assert.equal(world.sent.length, 0);
  for (const answer of [[large], Promise.resolve([large])]) {
    b.serve(METHODS.read, () => answer);
    const reply = a.call("B", METHODS.read, [], 1000);
    reply.catch(() => {});
    await world.deliver();
    await assert.rejects(reply, { code: "too_large", outcome: "unknown" });
  }
  assert.equal(a.openCount, 0);
});

Deno.test("an unknown method is refused, since a newer node may ask for it", async () => {
  const { world, a } = pair();
  const reply = a.call("B", METHODS.scan, [], 1000);
  reply.catch(() => {});
  await world.deliver();
  await assert.rejects(reply, { code: "unsupported", outcome: "no" });
});

Deno.test("ask() hears from every peer exactly once, whatever happens", async () => {
  const { world, a, b } = pair();
  const c = world.node("C");
  a.peerUp("C");
  a.peerUp("D");
  b.serve(METHODS.store, () => []);
  c.serve(METHODS.store, () => new Promise(() => {}));
  world.nodes.set("D", { receive() {} } as unknown as Rpc);
  const replies: [PeerId, Reply][] = [];
  const note = (peer: PeerId, reply: Reply) => replies.push([peer, reply]);
  a.ask(["B", "C", "D", "E"], METHODS.store, [], 100, note);
  assert.deepEqual(replies.map(([peer]) => peer), ["E"], "who is not connected is told at once");
  await world.deliver();
  assert.deepEqual(replies.map(([peer]) => peer), ["E", "B"]);
  a.peerDown("D", "cable pulled");
  assert.deepEqual(replies.map(([peer]) => peer), ["E", "B", "D"]);
  world.clock.advance(200);
  assert.deepEqual(replies.map(([peer]) => peer), ["E", "B", "D", "C"]);
  const outcomes = replies.map(([, reply]) => reply instanceof DenamoError ? reply.outcome : "ok");
  assert.deepEqual(outcomes, ["no", "ok", "unknown", "unknown"]);
  a.peerDown("B", "late");
  world.clock.advance(10_000);
  assert.equal(replies.length, 4);
  assert.equal(a.openCount, 0);
});

Deno.test("an answer that comes after its deadline, twice, or from another peer is not heard", async () => {
  const { world, a } = pair();
  a.peerUp("C");
  const replies: Reply[] = [];
  a.ask(["B"], METHODS.read, [], 100, (_peer, reply) => replies.push(reply));
  a.receive("C", "request", encodeAnswer(1, ["forged"]).slice());
  assert.equal(replies.length, 0);
  world.sent.length = 0;
  world.clock.advance(200);
  a.receive("B", "request", encodeAnswer(1, ["late"]).slice());
  await world.deliver();
  assert.equal(replies.length, 1);
});

Deno.test("an answer that is ready after its connection has ended is not sent over the next", async () => {
  const { world, a, b } = pair();
  const slow = Promise.withResolvers<readonly unknown[]>();
  b.serve(METHODS.store, () => slow.promise);
  const lost = a.call("B", METHODS.store, [], 1000);
  await world.deliver();
  a.peerDown("B", "A has died");
  await assert.rejects(lost, { outcome: "unknown" });
  b.peerDown("A", "A has died");
  b.peerUp("A");
  // A process that has just started gives its first request the id of the one that was lost.
  const restarted = world.node("A");
  restarted.peerUp("B");
  b.serve(METHODS.read, () => ["its own"]);
  const reply = restarted.call("B", METHODS.read, [], 1000);
  slow.resolve(["another's"]);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  await world.deliver();
  assert.deepEqual(await reply, ["its own"]);
});

Deno.test("a request that comes twice, or after a later one, is carried out once at most", () => {
  const { world, a, b } = pair();
  const served: unknown[] = [];
  b.serve(METHODS.store, ({ arguments: [what] }) => {
    served.push(what);
    return [];
  });
  for (const what of ["first", "second"]) a.ask(["B"], METHODS.store, [what], 1000, () => {});
  const [first, second] = world.sent.splice(0).map(({ bytes }) => bytes);
  for (const bytes of [first!, first!, second!, first!, second!]) b.receive("A", "request", bytes);
  assert.deepEqual(served, ["first", "second"]);
  b.peerDown("A", "A has died");
  b.peerUp("A");
  b.receive("A", "request", first!);
  assert.deepEqual(served, ["first", "second", "first"], "another process counts from one again");
});

Deno.test("a full queue and too many open requests are refused at once, with no effect", () => {
  const { world, a } = pair();
  const codes: string[] = [];
  const note = (_peer: PeerId, reply: Reply) => {
    if (reply instanceof DenamoError) codes.push(`${reply.code} ${reply.outcome}`);
  };
  world.isFull = true;
  a.ask(["B"], METHODS.read, [], 1000, note);
  world.isFull = false;
  for (let i = 0; i <= LIMITS.inFlightPerPeerCount; i++) a.ask(["B"], METHODS.read, [], 1000, note);
  assert.deepEqual(codes, ["overloaded no", "overloaded no"]);
  a.stop();
  assert.equal(codes.length, 2 + LIMITS.inFlightPerPeerCount);
  assert.equal(a.openCount, 0);
});

Deno.test("a message that cannot be read is counted and told, and costs nobody the connection", async () => {
  const { world, a, b } = pair();
  for (let time = 0; time < 3; time++) b.receive("A", "request", new Uint8Array([0xc1]));
  assert.deepEqual(b.nonsense, [{ peer: "A", kind: "message", count: 3 }]);
  assert.equal(world.warnings.length, 1, "once a minute is enough");
  world.clock.advance(60_000);
  b.receive("A", "request", new Uint8Array([0xc1]));
  assert.match(world.warnings[1]!, /makes no sense .*"peer":"A","kind":"message".*"messages":3/);
  assert.deepEqual(world.resets, []);
  b.serve(METHODS.read, () => ["still here"]);
  const reply = a.call("B", METHODS.read, [], 1000);
  await world.deliver();
  assert.deepEqual(await reply, ["still here"]);
});

/** Serves a method whose arguments never make sense, or never what they carry. */
function serveNonsense(rpc: Rpc, method: Method, isCarried: boolean): void {
  const read = () => {
    throw new MalformedError("request", "it is none");
  };
  rpc.serve(method, () => isCarried ? readCarried(read) : read());
}

Deno.test("arguments that make no sense fail their request alone, without effect", async () => {
  const { world, a, b } = pair();
  serveNonsense(b, METHODS.read, false);
  serveNonsense(b, METHODS.store, true);
  for (const method of [METHODS.read, METHODS.store]) {
    const reply = a.call("B", method, [], 1000);
    reply.catch(() => {});
    await world.deliver();
    await assert.rejects(reply, { code: "malformed", outcome: "no", message: /it is none/ });
  }
  assert.deepEqual(b.nonsense.map(({ count, kind }) => [kind, count]), [["read", 1], ["store", 1]]);
  assert.deepEqual(world.resets, []);
});

Deno.test("an answer that makes no sense ends its request with an unknown outcome", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.coordinate, () => ["nonsense"]);
  const answer = a.query("B", METHODS.coordinate, [], 1000, () => {
    throw new MalformedError("client answer", "it is none");
  });
  answer.catch(() => {});
  await world.deliver();
  await assert.rejects(answer, { code: "malformed", outcome: "unknown" });
  assert.deepEqual(a.nonsense, [{ peer: "B", kind: "coordinate answer", count: 1 }]);
  assert.deepEqual(world.resets, []);
});

Deno.test("only a peer that sends nothing but nonsense is cut off", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, () => []);
  const send = (count: number) => {
    for (let i = 0; i < count; i++) b.receive("A", "request", new Uint8Array([0xc1]));
  };
  send(NONSENSE_IN_A_ROW - 1);
  a.ask(["B"], METHODS.read, [], 1000, () => {});
  await world.deliver();
  send(NONSENSE_IN_A_ROW - 1);
  assert.deepEqual(world.resets, [], "one with sense was between them");
  send(1);
  assert.equal(world.resets.length, 1);
  assert.match(world.resets[0]!, /^B resets A: It sends nothing but nonsense/);
});

Deno.test("what a message carries for somebody else is never held against its messenger", async () => {
  const { world, a, b } = pair();
  serveNonsense(b, METHODS.store, true);
  for (let i = 0; i < 2 * NONSENSE_IN_A_ROW; i++) {
    a.ask(["B"], METHODS.store, [], 1000, () => {});
    await world.deliver();
  }
  assert.deepEqual(b.nonsense, [{ peer: "A", kind: "store", count: 2 * NONSENSE_IN_A_ROW }]);
  assert.deepEqual(world.resets, []);
});

Deno.test("a peer that does not answer for some hundred milliseconds is avoided until its next word", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, () => []);
  a.ask(["B"], METHODS.read, [], 5_000, () => {});
  world.sent.length = 0;
  world.clock.advance(150);
  assert.ok(!a.isAvoided("B"));
  world.clock.advance(350);
  assert.ok(a.isAvoided("B"));
  assert.equal(a.avoidedCount, 1);
  // The question that finds it back is our own.
  world.sent.length = 0;
  world.clock.advance(2_500);
  assert.ok(world.sent.length >= 1 && world.sent.length <= 4, `${world.sent.length}`);
  await world.deliver();
  assert.ok(!a.isAvoided("B"));
});

Deno.test("a peer that has sent nothing for a tenth of a second is silent, whatever it sends next ends that", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, () => Promise.reject(new OverloadedError("It", 1)));
  a.serve(METHODS.read, () => []);
  assert.ok(!a.isSilent("B"), "it has just greeted us");
  assert.ok(a.isSilent("C"), "nobody");
  const words = [
    () => b.ask(["A"], METHODS.read, [], 5_000, () => {}),
    () => a.ask(["B"], METHODS.probe, [], 5_000, () => {}),
    () => a.ask(["B"], METHODS.read, [], 5_000, () => {}),
  ];
  for (const word of words) {
    world.clock.advance(150);
    assert.ok(a.isSilent("B"));
    word();
    await world.deliver();
    assert.ok(!a.isSilent("B"));
    world.clock.advance(80);
    assert.ok(!a.isSilent("B"));
  }
});

Deno.test("a request that takes long does not make a peer avoided that answers questions", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, () => new Promise(() => {}));
  a.ask(["B"], METHODS.read, [], 5_000, () => {});
  for (let i = 0; i < 100; i++) {
    world.clock.advance(20);
    await world.deliver();
    assert.ok(!a.isAvoided("B"));
  }
});

Deno.test("a peer whose queue is full three times in a row is avoided, one that refuses a request is not", async () => {
  const { world, a, b } = pair();
  let error = new DenamoError("wrong_layout", "no", "It has another layout");
  b.serve(METHODS.read, () => {
    throw error;
  });
  const ask = async () => {
    a.ask(["B"], METHODS.read, [], 5_000, () => {});
    await world.deliver();
  };
  for (let i = 0; i < 5; i++) await ask();
  assert.ok(!a.isAvoided("B"));
  error = new OverloadedError("The queue", 1);
  for (let i = 0; i < 3; i++) await ask();
  assert.ok(a.isAvoided("B"));
});

Deno.test("latencyMs() follows what a peer takes, and is endless for one that is not there", async () => {
  const { world, a, b } = pair();
  b.serve(METHODS.read, () => []);
  for (let i = 0; i < 400; i++) {
    const reply = a.call("B", METHODS.read, [], 1000);
    world.clock.advance(40);
    await world.deliver();
    await reply;
  }
  assert.ok(Math.abs(a.latencyMs("B") - 40) < 1);
  assert.equal(a.latencyMs("C"), Infinity);
});

Deno.test("latencyMs() learns of reads and stores of requests only, and ages", async () => {
  const { world, a, b } = pair();
  const methods = Object.values(METHODS).filter((method) => method !== METHODS.probe);
  for (const method of methods) b.serve(method, () => []);
  const take = async (method: Method, lane: "request" | "bulk", ms: number) => {
    const reply = a.call("B", method, [], 60_000, lane);
    world.clock.advance(ms);
    await world.deliver();
    await reply;
  };
  const counted: Method[] = [METHODS.read, METHODS.store, METHODS.storeDelta];
  for (const method of methods) {
    for (let i = 0; i < 8; i++) {
      await take(method, "bulk", 200);
      if (!counted.includes(method)) await take(method, "request", 10_000);
    }
  }
  assert.equal(a.latencyMs("B"), 1);
  for (const method of counted) {
    for (let i = 0; i < 8; i++) await take(method, "request", 200);
    assert.ok(a.latencyMs("B") > 40, `${a.latencyMs("B")}`);
    world.clock.advance(120_000);
    assert.ok(a.latencyMs("B") < 1.01, `${a.latencyMs("B")}`);
  }
});

Deno.test("a deadline fires once, never early, and not when it was cleared", () => {
  const clock = new HandClock();
  const deadlines = new Deadlines(clock);
  const fired: string[] = [];
  deadlines.set(100, () => fired.push(`a ${clock.now()}`));
  const cleared = deadlines.set(100, () => fired.push("cleared"));
  clock.advance(15);
  deadlines.set(30, () => fired.push(`b ${clock.now()}`));
  deadlines.clear(cleared);
  clock.advance(1000);
  assert.deepEqual(fired, ["b 60", "a 120"]);
});
