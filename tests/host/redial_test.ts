import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import {
  type Dialled,
  FIRST_PAUSE_MS,
  LONGEST_PAUSE_MS,
  LONGEST_PAUSE_OWN_MS,
  LONGEST_PAUSE_UNMET_MS,
  Redial,
  UNMET_DIALS_MAX,
  UNMET_TARGETS_MAX,
} from "../../src/host/redial.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** A redialler in virtual time, who answers where, and when whom was dialled. */
class World {
  readonly time = new VirtualTime();
  readonly answers = new Map<string, Dialled>();
  readonly up = new Set<string>();
  readonly dials: { atMs: number; address: string; peer: string | undefined }[] = [];
  readonly redial = new Redial({
    clock: this.time.clock(),
    random: new SeededRandom("redial"),
    log: silentLog,
    isUp: (peer) => this.up.has(peer),
    dial: (addresses, peer) => {
      this.dials.push({ atMs: this.time.nowMs, address: addresses.join(" "), peer });
      const answer = addresses.map((address) => this.answers.get(address)).find((it) => it);
      if (answer === undefined) return Promise.reject(new Error("Nobody answers"));
      return Promise.resolve(answer);
    },
  });

  connect(peer: string): void {
    this.up.add(peer);
    this.redial.peerUp(peer);
  }

  lose(peer: string): void {
    this.up.delete(peer);
    this.redial.linkEnded(peer, "It was lost");
  }
}

Deno.test("a target is dialled at once, again after a loss, and not while it is up", async () => {
  const world = new World();
  world.answers.set("/a", "A");
  world.redial.start();
  world.redial.keep(["/a"], "A");
  await world.time.pass(1);
  assert.deepEqual(world.dials, [{ atMs: 0, address: "/a", peer: "A" }]);
  world.connect("A");
  await world.time.pass(3_600_000);
  assert.equal(world.dials.length, 1);
  world.lose("A");
  await world.time.pass(FIRST_PAUSE_MS);
  assert.equal(world.dials.length, 2);
});

Deno.test("the pauses double up to the longest one, and never end", async () => {
  const world = new World();
  world.redial.start();
  world.redial.keep(["/nobody"], undefined);
  await world.time.pass(60_000);
  const pauses = world.dials.slice(1).map(({ atMs }, i) => atMs - world.dials[i]!.atMs);
  let expectedMs = FIRST_PAUSE_MS;
  for (const pause of pauses) {
    assert.ok(pause <= expectedMs && pause >= expectedMs * 0.75 - 1, `${pause} for ${expectedMs}`);
    expectedMs = Math.min(expectedMs * 2, LONGEST_PAUSE_MS);
  }
  assert.ok(world.dials.length > 12);
});

Deno.test("a peer that refused is asked again, slowly from the first time on", async () => {
  const world = new World();
  world.answers.set("/a", "A");
  world.redial.start();
  world.redial.keep(["/a"], "A");
  await world.time.pass(1);
  world.redial.refused("A");
  world.redial.linkEnded("A", "It refused us");
  await world.time.pass(LONGEST_PAUSE_MS * 0.7);
  assert.equal(world.dials.length, 1);
  await world.time.pass(LONGEST_PAUSE_MS * 0.4);
  assert.equal(world.dials.length, 2);
});

Deno.test("a bare address follows whoever answers there", async () => {
  const world = new World();
  world.answers.set("/a", "A");
  world.redial.start();
  world.redial.keep(["/a"], undefined);
  await world.time.pass(1);
  world.connect("A");
  world.answers.set("/a", "B");
  world.lose("A");
  await world.time.pass(FIRST_PAUSE_MS);
  assert.equal(world.dials.at(-1)!.peer, undefined);
  world.connect("B");
  await world.time.pass(60_000);
  assert.equal(world.dials.length, 2);
});

Deno.test("a bare address leaves a peer that is kept by name to its name", async () => {
  const world = new World();
  world.answers.set("/a", "A");
  world.redial.start();
  world.redial.keep(["/a"], undefined);
  await world.time.pass(1);
  world.connect("A");
  world.redial.keep(["/a", "/a2"], "A");
  world.answers.clear();
  world.lose("A");
  await world.time.pass(LONGEST_PAUSE_MS * 0.7);
  assert.deepEqual(world.dials.slice(1).filter(({ peer }) => peer === undefined), []);
  assert.ok(world.dials.length > 3);
  await world.time.pass(LONGEST_PAUSE_MS);
  assert.ok(world.dials.slice(1).some(({ peer }) => peer === undefined));
});

Deno.test("new addresses of a target are tried soon", async () => {
  const world = new World();
  world.redial.start();
  world.redial.keep(["/old"], "A");
  world.connect("A");
  world.lose("A");
  await world.time.pass(60_000);
  const before = world.dials.length;
  world.redial.keep(["/new"], "A");
  await world.time.pass(FIRST_PAUSE_MS);
  assert.deepEqual(world.dials.slice(before).map(({ address }) => address), ["/new"]);
});

Deno.test("a peer that was never met is called ever more seldom, and no sooner for new addresses", async () => {
  const world = new World();
  world.redial.start();
  world.redial.keep(["/nobody"], "A");
  await world.time.pass(600_000);
  const [last, before] = world.dials.toReversed();
  assert.ok(last!.atMs - before!.atMs >= LONGEST_PAUSE_UNMET_MS * 0.7);
  const count = world.dials.length;
  for (let i = 0; i < 100; i++) {
    world.redial.keep([`/third/${i}`], "A");
    await world.time.pass(100);
  }
  assert.ok(world.dials.length <= count + 1, "ten seconds are less than one pause");
});

Deno.test("an address that many invented peers name is not called for each of them", async () => {
  const world = new World();
  world.redial.start();
  for (let i = 0; i < 200; i++) {
    world.redial.keep([`/third/p2p/P${i}`], `P${i}`);
    await world.time.pass(50);
  }
  await world.time.pass(50_000);
  assert.ok(world.dials.length <= 60 / 5 + 5, `${world.dials.length} calls in a minute`);
  world.redial.stop();
});

Deno.test("few peers that were never met are called at a time, and known; those that were met are not held up", async () => {
  const world = new World();
  let open = 0;
  let most = 0;
  const redial = new Redial({
    clock: world.time.clock(),
    random: new SeededRandom("redial"),
    log: silentLog,
    isUp: (peer) => world.up.has(peer),
    dial: (_addresses, peer) => {
      most = Math.max(most, ++open);
      return new Promise((resolve, reject) => {
        world.time.clock().after(1_000, () => {
          open--;
          if (peer === "friend") resolve(peer);
          else reject(new Error("Nobody answers"));
        });
      });
    },
  });
  redial.start();
  for (let i = 0; i < 2 * UNMET_TARGETS_MAX; i++) redial.keep([`/x/${i}`], `X${i}`);
  await world.time.pass(30_000);
  assert.equal(most, UNMET_DIALS_MAX);
  redial.keep(["/friend"], "friend");
  await world.time.pass(60_000);
  redial.peerUp("friend");
  redial.linkEnded("friend", "It was lost");
  await world.time.pass(500);
  assert.ok(open <= UNMET_DIALS_MAX + 1);
  redial.stop();
  await world.time.pass(2_000);
});

Deno.test("an address that was given without a peer is dialled on when who answered there is forgotten", async () => {
  const world = new World();
  world.answers.set("/a", "A");
  world.redial.start();
  world.redial.keep(["/a"], undefined);
  await world.time.pass(1);
  world.connect("A");
  world.redial.keep(["/a"], "A");
  world.redial.forget("A");
  world.up.delete("A");
  world.redial.linkEnded("A", "It was forgotten");
  world.answers.set("/a", "B");
  const before = world.dials.length;
  await world.time.pass(LONGEST_PAUSE_MS);
  const dials = world.dials.slice(before).map(({ address, peer }) => ({ address, peer }));
  assert.deepEqual(dials, [{ address: "/a", peer: undefined }]);
});

Deno.test("an address of our own is tried ever more seldom, and leads to another in the end", async () => {
  const world = new World();
  world.answers.set("/self", "self");
  world.redial.start();
  world.redial.keep(["/self"], undefined);
  await world.time.pass(1_000);
  assert.ok(world.dials.length >= 3, "a name may be about to change when a cluster begins");
  await world.time.pass(600_000);
  const pauses = world.dials.slice(1).map(({ atMs }, i) => atMs - world.dials[i]!.atMs);
  assert.ok(pauses.at(-1)! >= 0.75 * LONGEST_PAUSE_OWN_MS);
  world.answers.set("/self", "A");
  world.up.add("A");
  await world.time.pass(LONGEST_PAUSE_OWN_MS);
  const { length } = world.dials;
  await world.time.pass(600_000);
  assert.equal(world.dials.length, length, "it is met");
});

Deno.test("forget() and stop() end the dialling", async () => {
  const world = new World();
  world.redial.start();
  world.redial.keep(["/a"], "A");
  world.redial.keep(["/b"], "B");
  await world.time.pass(1);
  world.redial.forget("A");
  await world.time.pass(60_000);
  assert.equal(world.dials.filter(({ address }) => address === "/a").length, 1);
  const before = world.dials.length;
  world.redial.stop();
  await world.time.pass(60_000);
  assert.equal(world.dials.length, before);
  assert.equal(world.time.waiting, 0);
});
