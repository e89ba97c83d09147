import assert from "node:assert/strict";
import { ByteReader } from "../../src/base/byte_reader.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { ClockWatch } from "../../src/membership/clock_watch.ts";
import type { Heartbeat } from "../../src/membership/heartbeat.ts";
import { Heartbeats } from "../../src/membership/heartbeats.ts";
import { MemberTable } from "../../src/membership/member_table.ts";
import { Admission } from "../../src/node/admission.ts";
import { LeftBehindVoices } from "../../src/node/left_behind_voices.ts";
import { heartbeatOf, ManualTime } from "../membership/manual_clock.ts";
import { Refusals } from "../../src/node/refusals.ts";
import type { Refusal, Refuser } from "../../src/ports/network.ts";
import { Floors } from "../../src/replica/floors.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { LogBook, openLayouts } from "./layout_world.ts";

const LATEST = 1_000_000;
const MEMBERS = new Set(["n1", "n2", "n3"]);

/** A node as far as others meet it, and why it has given up, if it has. */
async function nodeOf(
  node: string,
  options: { digest?: string; peerId?: string; members?: ReadonlySet<string> } = {},
) {
  const { digest = "settings", members, peerId = `peer-of-${node}` } = options;
  const time = new ManualTime();
  const clock = time.clock();
  const log = new LogBook();
  const table = new MemberTable({ node, peerId, incarnation: 1 });
  const heartbeats = new Heartbeats({
    clock,
    random: new SeededRandom(1),
    log,
    table,
    clockWatch: new ClockWatch(clock),
    describe: () => heartbeatOf(),
    publish: () => {},
  });
  const gaveUp: string[] = [];
  const judged = { refusal: (_: Heartbeat): Refusal | undefined => undefined };
  const giveUp = (reason: string) => void gaveUp.push(reason);
  const startedAnew: boolean[] = [];
  const anew = Promise.withResolvers<void>();
  const { storage } = await openLayouts(new DiskImage().open());
  const floors = new Floors(storage, new HybridClock(clock, 1_000));
  const leftBehind = new LeftBehindVoices({
    floors,
    log,
    members: () => members,
    nodeOf: (peer) => peer.startsWith("peer-of-") ? peer.slice("peer-of-".length) : undefined,
    isConnected: () => false,
    latest: () => LATEST,
    startAnew: () => {
      startedAnew.push(true);
      anew.resolve();
    },
  });
  const admission = new Admission(
    node,
    floors,
    digest,
    heartbeats,
    new Refusals({
      clock,
      self: peerId,
      node,
      hasJoined: true,
      layoutMembers: () => undefined,
    }),
    clock,
    log,
    giveUp,
    leftBehind,
    { judge: (heartbeat) => judged.refusal(heartbeat) },
  );
  /** Resolves when all that was to be noted is on the disk. */
  const noted = () => storage.setMeta("nothing", undefined);
  return { time, table, admission, judged, floors, log, gaveUp, startedAnew, anew, noted, peerId };
}

const dialled: Refuser = { greeting: new Uint8Array(), isDialled: true };

function refusalOf(message: string): Refusal {
  return { code: "other", message, details: {} };
}

Deno.test("two nodes with the same settings admit and know each other from their first words", async () => {
  const [n1, n2] = await Promise.all([nodeOf("n1"), nodeOf("n2")]);
  assert.equal(n1.admission.admit(n2.peerId, n2.admission.greeting(), true), undefined);
  assert.equal(n2.admission.admit(n1.peerId, n1.admission.greeting(), true), undefined);
  assert.equal(n1.table.peerOf("n2"), n2.peerId);
  assert.equal(n2.table.peerOf("n1"), n1.peerId);
});

Deno.test("a node with other settings is told so and is not made a member", async () => {
  const [n1, n2] = await Promise.all([nodeOf("n1"), nodeOf("n2", { digest: "others" })]);
  assert.equal(
    n1.admission.admit(n2.peerId, n2.admission.greeting(), true)?.code,
    "other_settings",
  );
  assert.equal(n1.table.peerOf("n2"), undefined);
});

Deno.test("peers of another layout are refused, whoever says so first", async () => {
  const [n1, n2] = await Promise.all([nodeOf("n1"), nodeOf("n2")]);
  const refusal = { code: "other_layout", message: "two clusters", details: {} };
  const heard: string[] = [];
  for (const { judged } of [n1, n2]) {
    judged.refusal = ({ node }) => {
      heard.push(node);
      return refusal;
    };
  }
  const greeting = n2.admission.greeting();
  assert.deepEqual(n1.admission.admit(n2.peerId, greeting, true), refusal);
  assert.equal(n1.table.peerOf("n2"), undefined);
  assert.match(n1.log.lines.at(-1)!, /two clusters/);
  n2.admission.refusedBy(n1.peerId, refusal, {
    greeting: n1.admission.greeting(),
    isDialled: false,
  });
  assert.equal(heard.at(-1), "n1", "it looks at the layout of who refuses it");
});

Deno.test("a peer that cannot be who it says it is, or says nothing that makes sense, is refused", async () => {
  const [n1, n2] = await Promise.all([nodeOf("n1"), nodeOf("n2")]);
  const { message } = n1.admission.admit("peer-x", n2.admission.greeting(), true)!;
  assert.match(message, /names peer peer-of-n2/);
  assert.equal(n1.admission.admit(n2.peerId, n2.admission.greeting(), true), undefined);
  const second = await nodeOf("n2", { peerId: "peer-z" });
  assert.equal(
    n1.admission.admit("peer-z", second.admission.greeting(), true)?.code,
    "name_in_use",
  );

  const greeting = n2.admission.greeting();
  for (let length = 0; length < greeting.length; length++) {
    assert.notEqual(n1.admission.admit(n2.peerId, greeting.subarray(0, length), true), undefined);
  }
});

Deno.test("a peer that greets under another name than its heartbeat's is refused, and changes nothing", async () => {
  const [n1, n2] = await Promise.all([nodeOf("n1"), nodeOf("n2")]);
  await n1.floors.promise(4_000, ["n3"]);
  const reader = new ByteReader(n2.admission.greeting(), "greeting");
  const writer = new ByteWriter();
  writer.text(reader.text());
  assert.equal(reader.text(), "n2");
  writer.text("n3");
  reader.integer();
  writer.integer(Number.MAX_SAFE_INTEGER);
  writer.raw(reader.raw(reader.remaining));
  const refusal = n1.admission.admit(n2.peerId, writer.finish(), true);
  assert.equal(refusal?.code, "malformed");
  assert.match(refusal!.message, /n2 greets as n3/);
  await n1.noted();
  assert.equal(n1.floors.missedBy("n3"), 4_000);
  assert.equal(n1.table.peerOf("n2"), undefined);
});

Deno.test("a node that only ever met refusals gives up after some seconds, with the reason", async () => {
  const { time, admission, gaveUp, log } = await nodeOf("n1");
  time.run(60_000);
  admission.refusedBy("peer-2", refusalOf("Wrong place"), dialled);
  time.run(69_999);
  admission.refusedBy("peer-2", refusalOf("Wrong place"), dialled);
  assert.deepEqual(gaveUp, [], "a peer may be starting itself");
  time.run(70_000);
  admission.refusedBy("peer-3", refusalOf("Wrong cluster"), dialled);
  assert.deepEqual(gaveUp, ["Refused by peer-3: Wrong cluster"]);
  assert.equal(log.lines.length, 2, "a peer that refuses us again has been in the log");
});

Deno.test("a node that somebody has admitted goes on, whoever refuses it", async () => {
  const { time, admission, gaveUp } = await nodeOf("n1");
  admission.refusedBy("peer-2", refusalOf("In use"), dialled);
  admission.peerUp("peer-3");
  time.run(60_000);
  admission.refusedBy("peer-2", refusalOf("In use"), dialled);
  assert.deepEqual(gaveUp, []);
});

Deno.test("a node whose settings fit nobody gives up even if it is always the one that refuses", async () => {
  const [n1, n2] = await Promise.all([nodeOf("n1"), nodeOf("n2", { digest: "others" })]);
  n2.admission.admit(n1.peerId, n1.admission.greeting(), true);
  assert.deepEqual(n2.gaveUp, []);
  n2.time.run(10_000);
  n2.admission.admit(n1.peerId, n1.admission.greeting(), true);
  assert.match(n2.gaveUp[0]!, /^Refused by n1: The configured namespaces differ/);
});

Deno.test("a node that was left out is let in again once its copies are empty", async () => {
  const n1 = await nodeOf("n1");
  const n2 = await nodeOf("n2", { members: MEMBERS });
  await n1.floors.promise(4_000, ["n2"]);
  const refusal = n1.admission.admit(n2.peerId, n2.admission.greeting(), true);
  assert.deepEqual([refusal?.code, refusal?.details], ["left_behind", { upTo: 4_000 }]);
  assert.equal(n1.table.peerOf("n2"), undefined, "it is no member before");

  n2.admission.refusedBy(n1.peerId, refusal!, dialled);
  n2.admission.refusedBy("peer-of-n3", refusal!, dialled);
  await n2.anew.promise;
  assert.ok(n2.floors.mustEmpty);
  assert.deepEqual([n2.startedAnew, n2.gaveUp], [[true], []]);

  await n2.floors.haveEmptied();
  assert.equal(n1.admission.admit(n2.peerId, n2.admission.greeting(), true), undefined);
  assert.equal(n1.floors.missedBy("n2"), undefined);
  n2.admission.refusedBy(n1.peerId, refusal!, dialled);
  await n2.noted();
  await n2.noted();
  assert.deepEqual(n2.startedAnew, [true], "once is enough, whoever says it again");
});

Deno.test("who may not bear a name does not say for it that its copies are empty", async () => {
  const n1 = await nodeOf("n1");
  const n2 = await nodeOf("n2", { members: MEMBERS });
  assert.equal(n1.admission.admit(n2.peerId, n2.admission.greeting(), true), undefined);
  await n1.floors.promise(4_000, ["n2"]);
  const second = await nodeOf("n2", { peerId: "peer-z" });
  await second.floors.miss(5_000);
  await second.floors.haveEmptied();
  const refusal = n1.admission.admit("peer-z", second.admission.greeting(), false);
  assert.equal(refusal?.code, "name_in_use");
  assert.equal(n1.floors.missedBy("n2"), 4_000);
});
