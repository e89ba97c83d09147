import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { ClockWatch } from "../../src/membership/clock_watch.ts";
import type { MemberState } from "../../src/membership/evidence.ts";
import { decodeHeartbeat, encodeHeartbeat } from "../../src/membership/heartbeat.ts";
import { Heartbeats, type SelfDescription } from "../../src/membership/heartbeats.ts";
import type { Target } from "../../src/membership/member.ts";
import { type MemberChange, MemberTable } from "../../src/membership/member_table.ts";
import type { ProbeOutcome } from "../../src/membership/probes.ts";
import type { Refusal } from "../../src/ports/network.ts";
import type { Log } from "../../src/ports/log.ts";
import { heartbeatOf, ManualTime } from "./manual_clock.ts";

const description: SelfDescription = heartbeatOf();

/** One node of a world without a network: what it publishes reaches the others by timers. */
class TestNode {
  readonly heartbeats: Heartbeats;
  readonly table: MemberTable;
  readonly clockWatch: ClockWatch;
  readonly warnings: string[] = [];
  /** States that this node has ever given to others. */
  readonly verdicts: { atMs: number; node: string; to: MemberState }[] = [];
  readonly changes: MemberChange[] = [];
  skewMs = 0;
  /** While paused its timers and what arrives wait, as they do for a stopped process. */
  #pausedUntilMs = 0;
  isDead = false;

  constructor(
    readonly world: TestWorld,
    readonly name: string,
    incarnation = 1,
    readonly peerId = `peer-${name}`,
  ) {
    const time = world.time;
    const clock = {
      ...time.clock(() => this.skewMs),
      after: (delayMs: number, callback: () => void) =>
        time.after(delayMs, () => this.whenAwake(callback)),
    };
    const warn = (message: string) => void this.warnings.push(message);
    const log: Log = { debug: () => {}, info: () => {}, warn, error: warn };
    this.table = new MemberTable({
      node: name,
      peerId: this.peerId,
      incarnation,
      onChange: (change) => {
        this.changes.push(change);
        if (change.kind !== "state") return;
        this.verdicts.push({ atMs: time.nowMs, node: change.node, to: change.to });
      },
    });
    this.clockWatch = new ClockWatch(clock);
    this.heartbeats = new Heartbeats({
      clock,
      random: new SeededRandom(`${world.seed} ${name}`),
      log,
      table: this.table,
      clockWatch: this.clockWatch,
      describe: () => description,
      publish: (bytes) => world.publish(this, bytes),
    });
    this.heartbeats.probeWith({ probe: (target, done) => world.probe(this, target, done) });
  }

  whenAwake(callback: () => void): void {
    if (this.isDead) return;
    const waitMs = this.#pausedUntilMs - this.world.time.nowMs;
    if (waitMs <= 0) callback();
    else this.world.time.after(waitMs, () => this.whenAwake(callback));
  }

  get isAwake(): boolean {
    return !this.isDead && this.#pausedUntilMs <= this.world.time.nowMs;
  }

  pause(durationMs: number): void {
    this.#pausedUntilMs = this.world.time.nowMs + durationMs;
  }
}

class TestWorld {
  readonly time = new ManualTime();
  readonly nodes: TestNode[] = [];
  readonly #random: SeededRandom;
  published = 0;

  constructor(readonly seed: number, count: number, readonly isDisorderly = false) {
    this.#random = new SeededRandom(seed);
    for (let i = 1; i <= count; i++) this.add(`n${i}`);
  }

  add(name: string, incarnation = 1, peerId?: string): TestNode {
    const node = new TestNode(this, name, incarnation, peerId);
    for (const other of this.nodes) {
      if (other.name === name) continue;
      other.table.connected(node.peerId);
      node.table.connected(other.peerId);
    }
    this.nodes.push(node);
    node.heartbeats.start();
    return node;
  }

  publish(from: TestNode, bytes: Uint8Array): void {
    this.published++;
    for (const node of this.nodes) {
      if (node === from) continue;
      const copies = this.isDisorderly ? 1 + this.#random.uint32() % 3 : 1;
      for (let i = 0; i < copies; i++) {
        // Disorderly: later copies are up to three seconds late, the first one up to 0.3 s.
        const spreadMs = !this.isDisorderly ? 20 : i === 0 ? 300 : 3000;
        const delayMs = 1 + this.#random.uint32() % spreadMs;
        const receive = () => void node.heartbeats.receive(from.peerId, bytes);
        this.time.after(delayMs, () => node.whenAwake(receive));
      }
    }
  }

  /** Asks a node, which answers unless it is dead or stands still, and then through the others. */
  probe({ name }: TestNode, { node, peerId }: Target, done: (outcome: ProbeOutcome) => void): void {
    const asked = this.nodes.find((other) => other.peerId === peerId);
    let hasAnswered = false;
    this.time.after(10, () => asked?.whenAwake(() => void (hasAnswered = true)));
    this.time.after(500, () => {
      if (hasAnswered) return done("answered");
      const others = this.nodes
        .filter((other) => other.isAwake && other.name !== name && other.name !== node)
        .map((other) => other.name);
      this.time.after(400, () => {
        if (hasAnswered) done({ kind: "others", through: others[0]! });
        else done({ kind: "nobody", witnesses: others });
      });
    });
  }

  [Symbol.dispose](): void {
    for (const node of this.nodes) node.heartbeats.stop();
  }
}

const seeds = fc.nat({ max: 1e6 });
const runs = { numRuns: 20 };

Deno.test("five nodes see each other, and one that stops is down at all others within 5 s", () => {
  fc.assert(
    fc.property(seeds, fc.boolean(), fc.integer({ min: 8000, max: 9999 }), (seed, mess, endMs) => {
      using world = new TestWorld(seed, 5, mess);
      world.time.run(2000);
      for (const node of world.nodes) {
        assert.equal(node.heartbeats.members().length, 4);
        for (const member of node.heartbeats.members()) assert.equal(member.state, "up");
      }
      world.time.run(endMs);
      world.nodes[4]!.isDead = true;
      world.time.run(endMs + 5000);
      for (const node of world.nodes.slice(0, 4)) {
        assert.equal(node.table.stateOf("n5"), "down");
        assert.ok(node.verdicts.every(({ node }) => node === "n5"));
      }
    }),
    runs,
  );
});

Deno.test("a node that pauses for 2.5 s is never down, and condemns nobody when it wakes", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 5000, max: 6000 }), (seed, fromMs) => {
      using world = new TestWorld(seed, 5);
      world.time.run(fromMs);
      world.nodes[2]!.pause(2500);
      world.time.run(20_000);
      for (const node of world.nodes) {
        assert.ok(node.verdicts.every(({ to, node }) => to !== "down" && node === "n3"));
        for (const member of node.heartbeats.members()) assert.equal(member.state, "up");
      }
    }),
    runs,
  );
});

Deno.test("a node that stood still for a minute is down, condemns nobody, and is up again soon", () => {
  using world = new TestWorld(1, 5);
  world.time.run(5000);
  const sleeper = world.nodes[2]!;
  sleeper.pause(60_000);
  world.time.run(64_000);
  assert.equal(world.nodes[0]!.table.stateOf("n3"), "down");
  world.time.run(67_500);
  for (const node of world.nodes) assert.equal(node.heartbeats.members().length, 4);
  assert.equal(world.nodes[0]!.table.stateOf("n3"), "up");
  assert.deepEqual(sleeper.verdicts, []);
});

Deno.test("a member that speaks to us is not down, though its heartbeats and all probes are lost", () => {
  using world = new TestWorld(11, 3);
  world.time.run(5000);
  const [observer, other, silent] = world.nodes as [TestNode, TestNode, TestNode];
  silent.isDead = true;
  for (let atMs = 5000; atMs < 20_000; atMs += 500) {
    world.time.run(atMs);
    observer.heartbeats.spoke("peer-n3");
  }
  assert.equal(observer.table.stateOf("n3"), "suspect");
  assert.match(observer.table.member("n3", 20_000)!.because, /stopped, it answers/);
  assert.equal(other.table.stateOf("n3"), "down");
  world.time.run(25_000);
  assert.equal(observer.table.stateOf("n3"), "down");
});

Deno.test("a node that hears nobody tells its operator once, and when that is over", () => {
  using world = new TestWorld(12, 4);
  world.time.run(5000);
  const observer = world.nodes[0]!;
  for (const node of world.nodes.slice(1)) node.pause(5_500);
  world.time.run(10_000);
  assert.match(observer.heartbeats.selfDoubt!, /n2, n3, n4/);
  world.time.run(20_000);
  assert.equal(observer.heartbeats.selfDoubt, undefined);
  assert.deepEqual(observer.warnings, ["Most members are silent at once"]);
  assert.ok(observer.verdicts.every(({ to }) => to !== "down"));
});

Deno.test("duplicates and disorder make no member suspect", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      using world = new TestWorld(seed, 4, true);
      world.time.run(30_000);
      for (const node of world.nodes) assert.deepEqual(node.verdicts, []);
    }),
    runs,
  );
});

Deno.test("heartbeats go out once per interval or a little sooner, and none after stop()", () => {
  const world = new TestWorld(7, 1);
  world.time.run(100_000);
  assert.ok(world.published >= 101 && world.published <= 112, `${world.published}`);
  const { heartbeats } = world.nodes[0]!;
  const before = world.published;
  heartbeats.publishNow();
  assert.equal(world.published, before + 1);
  assert.equal(world.time.timerCount, 2);
  heartbeats.stop();
  assert.equal(world.time.timerCount, 0);
  heartbeats.stop();
  heartbeats.publishNow();
  world.time.run(200_000);
  assert.equal(world.published, before + 1);
  assert.throws(() => heartbeats.start(), /started once/);
});

/** One node judges the greeting of another, shown by a peer. */
function admit(judge: TestNode, other: TestNode, peerId = other.peerId): Refusal | undefined {
  const heartbeat = judge.heartbeats.read(peerId, other.heartbeats.greeting());
  return "code" in heartbeat ? heartbeat : judge.heartbeats.admit(heartbeat);
}

Deno.test("greeting() and admit() acquaint two nodes before anything is published", () => {
  using world = new TestWorld(3, 0);
  const [a, b] = [new TestNode(world, "n1"), new TestNode(world, "n2")];
  assert.equal(admit(b, a), undefined);
  assert.equal(b.table.stateOf("n1"), "up");
  const sequences = [a.heartbeats.greeting(), a.heartbeats.greeting()]
    .map((bytes) => decodeHeartbeat(bytes).sequence);
  assert.deepEqual(sequences, [2, 3]);
  assert.equal(
    admit(b, a, "peer-x")?.message,
    "Cannot decode heartbeat: peer peer-x names peer peer-n1 in it",
  );
  const second = new TestNode(world, "n1", 2, "peer-y");
  assert.equal(admit(b, second)?.code, "name_in_use");
  assert.equal(admit(a, second)?.code, "name_in_use");
  assert.equal(admit(second, a), undefined);
});

Deno.test("a second process with a live node's name learns that it is the later one", () => {
  using world = new TestWorld(4, 3);
  world.time.run(5000);
  const second = world.add("n2", 2, "peer-y");
  world.time.run(8500);
  const taken = (node: TestNode) => node.changes.some(({ kind }) => kind === "rival");
  assert.deepEqual(world.nodes.map(taken), [false, false, false, true]);
  for (const node of world.nodes.slice(0, 3)) assert.equal(node.table.nodeOf("peer-y"), undefined);
  assert.ok(second.changes.length > 0);
});

Deno.test("a node whose clock is wrong stops coordinating, and goes on when it is right again", () => {
  using world = new TestWorld(5, 3);
  const wrong = world.nodes[1]!;
  wrong.skewMs = 4000;
  world.time.run(3000);
  const problems = () => world.nodes.map(({ clockWatch }) => clockWatch.mayCoordinate());
  assert.deepEqual(problems().map((problem) => problem === undefined), [true, false, true]);
  assert.match(problems()[1]!, /ms ahead of the median/);
  wrong.skewMs = 0;
  world.time.run(4000);
  assert.deepEqual(problems(), [undefined, undefined, undefined]);
});

Deno.test("the clocks of members that are down do not count", () => {
  using world = new TestWorld(6, 3);
  world.time.run(3000);
  for (const node of world.nodes.slice(1)) node.skewMs = 4000;
  world.time.run(5000);
  const watch = world.nodes[0]!.clockWatch;
  assert.match(watch.mayCoordinate()!, /behind the median/);
  world.nodes[2]!.isDead = true;
  world.time.run(10_000);
  assert.equal(watch.mayCoordinate(), undefined);
  assert.equal(watch.offsetMs("n3"), undefined);
  const late = heartbeatOf({ node: "n3", peerId: "peer-n3", sequence: 999 });
  assert.equal(world.nodes[0]!.heartbeats.receive("peer-n3", encodeHeartbeat(late)), "recorded");
  assert.equal(watch.offsetMs("n3"), undefined);
});

Deno.test("the clock of a member counts anew after a restart", () => {
  using world = new TestWorld(10, 1);
  const { heartbeats, clockWatch, table } = world.nodes[0]!;
  table.connected("peer-a");
  const timeMs = 1_700_000_000_000;
  heartbeats.receive("peer-a", encodeHeartbeat(heartbeatOf({ timeMs: timeMs + 9000 })));
  heartbeats.receive("peer-a", encodeHeartbeat(heartbeatOf({ timeMs, sequence: 2 })));
  assert.equal(clockWatch.offsetMs("n2"), 9000);
  heartbeats.receive("peer-a", encodeHeartbeat(heartbeatOf({ timeMs, incarnation: 2 })));
  assert.equal(clockWatch.offsetMs("n2"), 0);
});

Deno.test("receive() tells the operator of nonsense once in a while and goes on", () => {
  using world = new TestWorld(8, 1);
  const { heartbeats, warnings } = world.nodes[0]!;
  for (let i = 0; i < 50; i++) {
    assert.equal(heartbeats.receive("peer-a", new Uint8Array([9, 9, i])), "malformed");
  }
  assert.equal(warnings.length, 1);
  assert.equal(
    (heartbeats.read("peer-q", new Uint8Array()) as Refusal).message,
    "Cannot decode heartbeat: it ends too early",
  );
  assert.equal(heartbeats.receive("peer-a", encodeHeartbeat(heartbeatOf())), "recorded");
});

Deno.test("Heartbeats sends the first of many addresses and refuses an impossible interval", () => {
  const sent: Uint8Array[] = [];
  const world = new TestWorld(9, 0);
  const clock = world.time.clock();
  const { table, clockWatch } = new TestNode(world, "n1");
  const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
  const make = (intervalMs: number) =>
    new Heartbeats({
      clock,
      random: new SeededRandom(1),
      log: silent,
      table,
      clockWatch,
      intervalMs,
      describe: () => ({ ...description, addresses: Array.from("abcdefghijkl") }),
      publish: (bytes) => sent.push(bytes),
    });
  const heartbeats = make(200);
  heartbeats.start();
  heartbeats.stop();
  assert.deepEqual(decodeHeartbeat(sent[0]!).addresses, Array.from("abcdefgh"));
  assert.equal(decodeHeartbeat(sent[0]!).intervalMs, 200);
  for (const wrong of [0, -1, 0.5, NaN]) assert.throws(() => make(wrong), RangeError);
  assert.throws(() => make(60_001), /60001 ms, limit 60000/);
});
