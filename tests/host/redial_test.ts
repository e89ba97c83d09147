import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { type Dialled, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Redial } from "../../src/host/redial.ts";
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
  world.redial.keep(["/nobody"], "A");
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
  await world.time.pass(60_000);
  const before = world.dials.length;
  world.redial.keep(["/new"], "A");
  await world.time.pass(FIRST_PAUSE_MS);
  assert.deepEqual(world.dials.slice(before).map(({ address }) => address), ["/new"]);
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

Deno.test("forget() and stop() end the dialling, and so does an address of our own", async () => {
  const world = new World();
  world.answers.set("/self", "self");
  world.redial.start();
  world.redial.keep(["/a"], "A");
  world.redial.keep(["/b"], "B");
  world.redial.keep(["/self"], undefined);
  await world.time.pass(1);
  world.redial.forget("A");
  await world.time.pass(60_000);
  assert.equal(world.dials.filter(({ address }) => address === "/a").length, 1);
  assert.equal(world.dials.filter(({ address }) => address === "/self").length, 1);
  const before = world.dials.length;
  world.redial.stop();
  await world.time.pass(60_000);
  assert.equal(world.dials.length, before);
  assert.equal(world.time.waiting, 0);
});
