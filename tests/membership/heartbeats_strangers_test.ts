// What strangers may say among the heartbeats, and what comes of it.

import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { ClockWatch } from "../../src/membership/clock_watch.ts";
import { encodeHeartbeat, HEARTBEAT_LIMITS } from "../../src/membership/heartbeat.ts";
import { Heartbeats } from "../../src/membership/heartbeats.ts";
import { INCARNATION_MAX } from "../../src/membership/incarnation_step.ts";
import { MemberTable } from "../../src/membership/member_table.ts";
import type { ProbeOutcome } from "../../src/membership/probes.ts";
import type { Target } from "../../src/membership/member.ts";
import { LogBook } from "../node/layout_world.ts";
import { heartbeatOf, ManualTime } from "./manual_clock.ts";

const NOW_MS = 1_700_000_000_000;
const YEAR_MS = 31_536_000_000;

function nodeWith(members?: readonly string[], nowMs?: number) {
  const time = new ManualTime();
  const layout = { members: members && new Set(members) };
  const clock = nowMs === undefined ? time.clock() : { ...time.clock(), now: () => nowMs };
  const log = new LogBook();
  const clockWatch = new ClockWatch(clock);
  const table = new MemberTable({
    node: "n1",
    peerId: "peer-n1",
    incarnation: 1,
    layoutMembers: () => layout.members,
  });
  const sent: Uint8Array[] = [];
  const probed: Target[] = [];
  const heartbeats = new Heartbeats({
    clock,
    random: new SeededRandom(1),
    log,
    table,
    clockWatch,
    describe: () => heartbeatOf(),
    publish: (bytes) => void sent.push(bytes),
  });
  heartbeats.probeWith({
    probe: (target: Target, done: (outcome: ProbeOutcome) => void) => {
      probed.push(target);
      done({ kind: "nobody", witnesses: [] });
    },
  });
  const hear = (fields: Parameters<typeof heartbeatOf>[0], isConnected = true) => {
    const heartbeat = heartbeatOf(fields);
    if (isConnected) table.connected(heartbeat.peerId);
    return heartbeats.receive(heartbeat.peerId, encodeHeartbeat(heartbeat));
  };
  return { time, layout, clockWatch, table, heartbeats, log, sent, probed, hear };
}

Deno.test("a heartbeat in another's name is refused, counted, and told of once in a while", () => {
  const { heartbeats, table, log, time } = nodeWith();
  for (let i = 0; i < 50; i++) {
    const forged = encodeHeartbeat(heartbeatOf({ peerId: "peer-n2", sequence: i }));
    assert.equal(heartbeats.receive("peer-x", forged), "malformed");
  }
  assert.equal(table.peerOf("n2"), undefined);
  assert.equal(heartbeats.malformedCount, 50);
  assert.equal(log.lines.length, 1);
  assert.match(log.lines[0]!, /"from":"peer-x".*peer peer-x names peer peer-n2/);
  time.run(60_000);
  heartbeats.receive("peer-y", new Uint8Array());
  assert.match(log.lines[1]!, /"from":"peer-y".*"soFar":51/);
});

Deno.test("eight invented members whose clocks are a year ahead stop nobody's writes", () => {
  const { clockWatch, hear } = nodeWith(["n1", "n2", "n3"]);
  for (const node of ["n2", "n3"]) hear({ node, peerId: `peer of ${node}`, timeMs: NOW_MS });
  for (let i = 0; i < 8; i++) {
    hear({ node: `x${i}`, peerId: `peer-x${i}`, timeMs: NOW_MS + YEAR_MS });
  }
  assert.equal(clockWatch.mayCoordinate(), undefined);
  assert.equal(clockWatch.offsetMs("x1"), undefined);
  assert.equal(clockWatch.offsetMs("n2"), 0);
});

Deno.test("the clocks of those who were met before the layout count no longer once it leaves them out", () => {
  const { clockWatch, heartbeats, hear, layout, time } = nodeWith();
  heartbeats.start();
  for (let i = 0; i < 8; i++) hear({ node: `x${i}`, peerId: `p${i}`, timeMs: NOW_MS + YEAR_MS });
  assert.match(clockWatch.mayCoordinate()!, /behind the median/);
  layout.members = new Set(["n1", "n2"]);
  time.run(1_000);
  assert.equal(clockWatch.mayCoordinate(), undefined);
  heartbeats.stop();
});

Deno.test("an old heartbeat of a member that is not connected says nothing of its clock", () => {
  const { clockWatch, hear } = nodeWith(["n1", "n2", "n3"]);
  for (const node of ["n2", "n3"]) {
    hear({ node, peerId: `peer of ${node}`, timeMs: NOW_MS - YEAR_MS }, false);
  }
  assert.equal(clockWatch.mayCoordinate(), undefined);
});

Deno.test("a stranger that falls silent is not asked for, neither by us nor through others", () => {
  const { heartbeats, hear, probed, table, time } = nodeWith(["n1", "n2"]);
  heartbeats.start();
  hear({ node: "x", peerId: "peer-x" }, false);
  time.run(20_000);
  assert.equal(table.stateOf("x"), "down");
  assert.deepEqual(probed, []);
  hear({ node: "n2", peerId: "peer-n2" }, false);
  time.run(40_000);
  assert.ok(probed.some(({ node }) => node === "n2"), "a member is asked for");
  heartbeats.stop();
});

Deno.test("no clock of ours makes a heartbeat that cannot be sent", () => {
  for (const nowMs of [-1, HEARTBEAT_LIMITS.timeMsMax * 4, 8.64e15]) {
    const { heartbeats, sent } = nodeWith(undefined, nowMs);
    heartbeats.start();
    heartbeats.refute(INCARNATION_MAX);
    heartbeats.refute(INCARNATION_MAX - 2 ** 22 - 1);
    assert.ok(heartbeats.greeting().length > 0 && sent.length > 0);
    heartbeats.stop();
  }
});
