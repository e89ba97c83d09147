import assert from "node:assert/strict";
import type { Heartbeats } from "../../src/membership/heartbeats.ts";
import { Node } from "../../src/node/node.ts";
import { Refutation } from "../../src/node/refutation.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import type { PeerId } from "../../src/ports/network.ts";
import type { Rpc } from "../../src/wire/rpc.ts";
import type { RequestHandler } from "../../src/wire/serving.ts";
import type { Fate } from "../sim/memory_connection.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { MemoryWorld } from "../sim/memory_network.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

const HOUR_MS = 3_600_000;

/** Machines whose clocks can be set, and whose disks are lost whenever a node starts without one. */
class Machines {
  readonly time = new VirtualTime();
  readonly network = new MemoryWorld({
    clock: this.time.clock(),
    fate: (from, to) => this.fate(from, to),
  });
  /** What becomes of the messages. */
  fate: (from: PeerId, to: PeerId) => Fate = () => "arrives";

  async start(
    node: string,
    peerId: PeerId,
    aheadMs: number,
    image = new DiskImage(),
  ): Promise<Node> {
    const starting = Node.start({
      node,
      cluster: "test",
      zone: "dc1/rack1",
      weight: 1,
      partitions: 256,
      replication: 3,
      defaults: { r: "one", w: "one", timeoutMs: 1_000 },
      namespaces: [],
      maxClockSkewMs: 1_000,
      heartbeatMs: 1_000,
      cacheBytes: 1_000_000,
      journalCount: 100,
      join: ["/memory/n1", "/memory/n2", "/memory/n3"],
      doors: () => ({ http: undefined, resp: undefined }),
    }, {
      clock: this.time.clock(() => aheadMs),
      random: new SeededRandom(`${node} ${this.time.nowMs}`),
      network: this.network.network({ self: peerId, cluster: "test", listen: `/memory/${node}` }),
      disk: image.open(),
      log: silentLog,
    });
    await this.time.pass(1);
    return starting;
  }
}

for (const [what, peerId] of [["the same", "peer-2"], ["another", "peer-3"]] as const) {
  Deno.test(`a node is heard again that lost its disk after its clock was an hour ahead, under ${what} peer id`, async () => {
    const machines = new Machines();
    const n1 = await machines.start("n1", "peer-1", 0);
    const first = await machines.start("n2", "peer-2", HOUR_MS);
    const seen = () => n1.members().find(({ node }) => node === "n2");
    await machines.time.until(() => seen()?.state === "up", "n2 is up");
    const former = seen()!.incarnation;
    await first.stop();
    await machines.time.until(() => seen()?.state === "down", "n2 is down");

    const second = await machines.start("n2", peerId, 0);
    assert.ok(second.members().find(({ node }) => node === "n2")!.incarnation < former);
    await machines.time.until(() => seen()?.state === "up", "n2 is up again", 20_000);
    assert.equal(seen()!.peerId, peerId);
    assert.ok(seen()!.incarnation > former);
    assert.equal(second.status().membersUp, 2);
    await Promise.all([n1.stop(), second.stop()]);
  });
}

Deno.test("a node is heard whose name another peer bore under the very same incarnation", async () => {
  const machines = new Machines();
  const n1 = await machines.start("n1", "peer-1", 0);
  const first = await machines.start("n2", "peer-2", 0);
  const seen = () => n1.members().find(({ node }) => node === "n2");
  await machines.time.until(() => seen()?.state === "up", "n2 is up");
  const former = seen()!.incarnation;
  await first.stop();
  await machines.time.until(() => seen()?.state === "down", "n2 is down");

  const behindMs = former - machines.time.clock().now();
  const second = await machines.start("n2", "peer-3", behindMs);
  assert.equal(second.members().find(({ node }) => node === "n2")!.incarnation, former);
  await machines.time.until(() => seen()?.state === "up", "n2 is up again", 20_000);
  assert.equal(seen()!.peerId, "peer-3");
  assert.ok(seen()!.incarnation > former);
  await Promise.all([n1.stop(), second.stop()]);
});

Deno.test("a node is heard whose name another process had that came from the end of time, once that has ended", async () => {
  const machines = new Machines();
  const n1 = await machines.start("n1", "peer-1", 0);
  const other = await machines.start("n2", "peer-9", 2 ** 44);
  const seen = () => n1.members().find(({ node }) => node === "n2");
  await machines.time.until(() => seen()?.state === "up", "the other is up");
  assert.equal(seen()!.incarnation, 2 ** 42);
  await other.stop();
  const n2 = await machines.start("n2", "peer-2", 0);
  await machines.time.until(() => seen()?.peerId === "peer-2", "the true one is heard", 20_000);
  await machines.time.until(() => seen()?.state === "up", "and up", 20_000);
  await machines.time.until(() => n2.status().membersUp === 2, "they see each other");
  await Promise.all([n1.stop(), n2.stop()]);
});

Deno.test("a node that is not heard is told so until it has understood, though the first words get lost", async () => {
  const machines = new Machines();
  const n1 = await machines.start("n1", "peer-1", 0);
  const first = await machines.start("n2", "peer-2", HOUR_MS);
  const seen = () => n1.members().find(({ node }) => node === "n2");
  await machines.time.until(() => seen()?.state === "up", "n2 is up");
  await first.stop();
  await machines.time.until(() => seen()?.state === "down", "n2 is down");

  let lostCount = 0;
  machines.fate = (from) => from === "peer-1" && lostCount++ < 3 ? "lost" : "arrives";
  const second = await machines.start("n2", "peer-2", 0);
  await machines.time.until(() => seen()?.state === "up", "n2 is up again", 60_000);
  assert.ok(lostCount > 3, "something got lost");
  await Promise.all([n1.stop(), second.stop()]);
});

Deno.test("a node that is told of an earlier run first by who knows less of it is heard by all", async () => {
  const machines = new Machines();
  const { network, time } = machines;
  const [n1, n3] = [
    await machines.start("n1", "peer-1", 0),
    await machines.start("n3", "peer-3", 0),
  ];
  const isUpAt = (by: Node) =>
    by.members().some(({ node, state }) => node === "n2" && state === "up");
  const first = await machines.start("n2", "peer-2", HOUR_MS);
  await time.until(() => isUpAt(n1) && isUpAt(n3), "n2 is up at both");
  await first.stop();
  await time.until(() => !isUpAt(n1) && !isUpAt(n3), "n2 is gone");

  network.cut("peer-2", "peer-3");
  const second = await machines.start("n2", "peer-2", 0);
  await time.until(() => isUpAt(n1), "n2 is up in its second run");
  await time.pass(60_000);
  await second.stop();
  await time.until(() => !isUpAt(n1), "n2 is gone again");
  network.heal("peer-2", "peer-3");

  let lostCount = 0;
  machines.fate = (from) => from === "peer-1" && lostCount++ < 3 ? "lost" : "arrives";
  const third = await machines.start("n2", "peer-2", 0);
  await time.until(() => isUpAt(n3), "n2 is up at the one in its third run", 30_000);
  await time.until(() => isUpAt(n1), "n2 is up at the other in its third run", 20_000);
  await Promise.all([n1.stop(), n3.stop(), third.stop()]);
});

/** A node of a layout of `memberCount` that is told which runs of it others remember. */
class Told {
  readonly startedAt = 1_800_000_000_000;
  stepped = 0;
  isDiskFine = true;
  believed = 0;
  #serve: RequestHandler | undefined;

  readonly refutation: Refutation;

  constructor(memberCount: number) {
    let own = this.startedAt;
    const heartbeats = {
      refute: (incarnation: number) => own = Math.max(own, incarnation + 1),
      isOfMember: (peer: PeerId) => !peer.startsWith("x"),
      furthestStart: Infinity,
      otherSelves: new Map(),
    } as Pick<Heartbeats, "refute" | "isOfMember" | "furthestStart" | "otherSelves"> as Heartbeats;
    const rpc = {
      serve: (_method: number, handler: RequestHandler) => this.#serve = handler,
    } as Pick<Rpc, "serve"> as Rpc;
    const incarnations = { former: 5, incarnation: this.startedAt };
    const count = () => memberCount;
    this.refutation = new Refutation(
      heartbeats,
      rpc,
      incarnations,
      count,
      () => {
        this.stepped++;
        return this.isDiskFine
          ? Promise.resolve()
          : Promise.reject(new Error("The disk has failed"));
      },
      () => this.believed++,
    );
  }

  by(peer: PeerId, incarnation: number): void {
    const request = { kind: "request", id: 1, method: 8, timeoutMs: 1 } as const;
    void this.#serve!({ ...request, arguments: [incarnation] }, peer);
  }
}

Deno.test("one member is believed of a run not far from the clock, of years ago or with a clock some days ahead", () => {
  for (const aheadMs of [-3 * 365 * 24 * HOUR_MS, -HOUR_MS, 1, 7 * 24 * HOUR_MS]) {
    const told = new Told(3);
    told.by("peer-2", told.startedAt + aheadMs);
    assert.equal(told.believed, 1);
  }
});

Deno.test("of a run far from the clock most members must know before a node takes its copies for old", () => {
  for (const [memberCount, needed] of [[2, 1], [3, 2], [4, 3], [5, 3], [7, 4]] as const) {
    const told = new Told(memberCount);
    for (let i = 1; i < needed; i++) told.by(`peer-${i}`, 5 + i);
    assert.equal(told.believed, 0, "a run of 1970");
    for (let i = 1; i <= needed; i++) {
      assert.equal(told.believed, 0, `${i} of ${memberCount}`);
      // Whoever says it again and again, with other numbers, is one voice.
      for (let again = 1; again < 3; again++) {
        told.by(`peer-${i}`, 2 * told.startedAt + 10 * i + again);
      }
    }
    assert.ok(told.believed > 0, `${needed} of ${memberCount}`);
    assert.ok(told.stepped >= needed, "it goes above what anybody remembers");
  }
});

Deno.test("an incarnation that the disk could not note is noted later, and once", async () => {
  const told = new Told(3);
  told.isDiskFine = false;
  told.by("peer-2", told.startedAt + 1);
  await Promise.resolve();
  assert.equal(told.stepped, 1);
  told.isDiskFine = true;
  for (let i = 0; i < 100; i++) {
    told.refutation.tell();
    await Promise.resolve();
  }
  assert.equal(told.stepped, 2);
});

Deno.test("strangers move a node once in a while, whatever they remember", () => {
  const told = new Told(3);
  for (let i = 1; i < 50; i++) told.by(`x${i}`, told.startedAt + 10 * i);
  assert.equal(told.stepped, 1);
  for (let i = 0; i < 16; i++) told.refutation.tell();
  told.by("x1", told.startedAt + 1_000);
  assert.equal(told.stepped, 2);
  told.by("peer-2", told.startedAt + 2_000);
  assert.deepEqual([told.stepped, told.believed], [3, 1]);
});
