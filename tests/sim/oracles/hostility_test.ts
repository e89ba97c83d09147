import assert from "node:assert/strict";
import { LIMITS } from "../../../src/wire/limits.ts";
import {
  diskProblems,
  forgedContextProblem,
  type HostileDisk,
  type HostileSight,
  serviceProblem,
  sightProblems,
} from "./hostility.ts";
import { MadeHistory } from "./made_history.ts";

const FACTS = { layoutId: "1-aa", machineCount: 3, strangerCount: 2 };

const SIGHT: HostileSight = {
  name: "n1",
  layoutId: "1-aa",
  membersKnown: 3,
  namespaces: undefined,
  measurements: [{ name: "rpcs_open_count", value: 3 }, { name: "heap_bytes", value: 1e12 }],
};

const DISK: HostileDisk = {
  name: "n1",
  setAsideReasons: [],
  places: [{ key: "k0", partition: 7 }],
};

const PARTITIONS = new Map([["k0", 7], ["k1", 8]]);

Deno.test("a node that works by the layout of its cluster, or by none yet, is well", () => {
  assert.deepEqual(sightProblems(SIGHT, FACTS), []);
  assert.deepEqual(sightProblems({ ...SIGHT, layoutId: undefined, membersKnown: 5 }, FACTS), []);
});

Deno.test("another layout, orders, invented members and what waits without end are seen", () => {
  const sight = {
    ...SIGHT,
    layoutId: "9-bb",
    membersKnown: 6,
    namespaces: "aa",
    measurements: [{ name: "rpcs_open_count", value: LIMITS.inFlightPerPeerCount + 1 }],
  };
  assert.deepEqual(sightProblems(sight, FACTS), [
    "n1 works by layout 9-bb, and 1-aa was made",
    "n1 follows orders that nobody gave",
    "n1 knows 6 members, and there were 5",
    `n1 has rpcs_open_count ${LIMITS.inFlightPerPeerCount + 1}`,
  ]);
});

Deno.test("a disk holds the keys of clients where they belong, and nothing was set aside", () => {
  assert.deepEqual(diskProblems(DISK, PARTITIONS), []);
  const disk = {
    ...DISK,
    setAsideReasons: ["it was left behind"],
    places: [{ key: "k0", partition: 8 }, { key: "x", partition: 7 }],
  };
  assert.deepEqual(diskProblems(disk, PARTITIONS), [
    "n1 has set data aside: it was left behind",
    'n1 holds "k0" in partition 8, which belongs in 7',
    'n1 holds "x" in partition 7, which no client has written',
  ]);
});

Deno.test("a few requests may fail while strangers do harm, and no more than one in a hundred", () => {
  const ended = (ok: number, no: number) => [
    ...Array.from({ length: ok }, () => ({ outcome: "ok", error: undefined }) as const),
    ...Array.from({ length: no }, () => ({ outcome: "no", error: "CLOCKSKEW" }) as const),
  ];
  assert.equal(serviceProblem(ended(10, 5)), undefined);
  assert.equal(serviceProblem(ended(990, 10)), undefined);
  assert.match(serviceProblem(ended(10, 6)) ?? "", /6 of 16 requests failed: CLOCKSKEW$/);
  assert.match(serviceProblem(ended(980, 10)) ?? "", /10 of 990 requests failed/);
});

Deno.test("a forged context that is taken is a violation, and one that is refused is none", () => {
  const history = new MadeHistory();
  history.put("a");
  const [taken] = history.operations;
  assert.match(forgedContextProblem(taken!, "AQ") ?? "", /nobody gave out is taken: AQ #0/);
  assert.equal(forgedContextProblem({ ...taken!, outcome: "no" }, "AQ"), undefined);
});
