import assert from "node:assert/strict";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { LeftBehindVoices } from "../../src/node/left_behind_voices.ts";
import { LogBook } from "./layout_world.ts";

const NAMES = ["n1", "n2", "n3", "n4", "n5"];

/** Node n1 of five, with or without a layout on its disk. */
function hearing({ hasLayout = true } = {}) {
  const connected = new Set<string>();
  const events: string[] = [];
  const log = new LogBook();
  const floors = {
    emptied: 10,
    miss: (upTo: number) => {
      events.push(`missed ${upTo}`);
      return Promise.resolve(upTo > floors.emptied);
    },
    haveEmptied: () => Promise.resolve(void events.push("emptied")),
  };
  const voices = new LeftBehindVoices({
    floors,
    log,
    members: () => hasLayout ? new Set(NAMES) : undefined,
    nodeOf: (peer) => peer.startsWith("peer-of-") ? peer.slice("peer-of-".length) : undefined,
    isConnected: (node) => connected.has(node),
    latest: () => 1_000,
    startAnew: () => void events.push("starts anew"),
  });
  return { voices, connected, events, log };
}

Deno.test("a node starts anew once a majority of all members say that it was left behind", async () => {
  const { voices, events, log } = hearing();
  await voices.hear("peer-of-n2", 500);
  await voices.hear("peer-of-n3", 700);
  assert.deepEqual(events, []);
  assert.match(voices.problem!, /Left behind as n2, n3 says?.*until 3 members/);
  await voices.hear("peer-of-n5", 600);
  assert.deepEqual(events, ["missed 700", "starts anew"]);
  assert.equal(log.lines.length, 2, "who was not enough");
});

Deno.test("one voice counts once, however often it speaks, and strangers not at all", async () => {
  const { voices, events, log } = hearing();
  for (let i = 0; i < 10; i++) await voices.hear("peer-of-n2", 500);
  for (const peer of ["peer-x", "peer-of-x1", "peer-of-x2", "peer-of-x3"]) {
    await voices.hear(peer, 500);
    await voices.hear(peer, 500);
  }
  assert.deepEqual(events, []);
  assert.equal(log.lines.length, 5, "each is told once");
  const alone = hearing();
  await alone.voices.hear("peer-x", 500);
  assert.equal(alone.voices.problem, undefined);
});

Deno.test("a time that no clock can have come to is nothing, nor one for which the copies were empty", async () => {
  const { voices, events } = hearing();
  for (const node of NAMES.slice(1)) {
    for (const upTo of [MAX_TIME, 1_001, 10]) await voices.hear(`peer-of-${node}`, upTo);
  }
  assert.deepEqual(events, []);
  assert.equal(voices.problem, undefined);
});

Deno.test("a member that lets the node in takes its word back", async () => {
  const { voices, events } = hearing();
  await voices.hear("peer-of-n2", 500);
  await voices.hear("peer-of-n3", 500);
  voices.admittedBy("peer-of-n3");
  await voices.hear("peer-of-n4", 500);
  assert.deepEqual(events, []);
  voices.admittedBy("peer-of-n2");
  voices.admittedBy("peer-of-n4");
  assert.equal(voices.problem, undefined);
});

Deno.test("what a member is said to say does not count while the node is connected to it", async () => {
  const { voices, connected, events } = hearing();
  await voices.hear("peer-of-n2", 500);
  connected.add("n2");
  assert.equal(voices.problem, undefined, "another peer bore its name");
  await voices.hear("peer-of-n3", 500);
  await voices.hear("peer-of-n4", 500);
  assert.deepEqual(events, []);
  await voices.hear("peer-of-n5", 500);
  assert.deepEqual(events, ["missed 500", "starts anew"]);
});

Deno.test("a disk without a layout has nothing to empty: one word is enough, and no restart is needed", async () => {
  const { voices, events } = hearing({ hasLayout: false });
  await voices.hear("peer-x", MAX_TIME);
  assert.deepEqual(events, []);
  await voices.hear("peer-x", 500);
  assert.deepEqual(events, ["missed 500", "emptied"]);
});
