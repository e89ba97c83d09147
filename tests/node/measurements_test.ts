import assert from "node:assert/strict";
import type { Member } from "../../src/membership/member_table.ts";
import { measure, type Measured } from "../../src/node/measurements.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { openLayouts } from "./layout_world.ts";

async function measuredOf(fields: Partial<Measured> = {}): Promise<Measured> {
  const { storage } = await openLayouts(new DiskImage().open());
  return {
    storage: storage.stats(),
    disk: { condition: "ok", freeBytes: 9 },
    backgroundWaitedMs: 10,
    requests: { inFlight: 1, coordinated: 20, forwarded: 3, repaired: 4 },
    hints: { keys: 0, bytes: 0, handedOver: 0 },
    comparisons: { compared: 0, repaired: 0 },
    floorsRaised: 0,
    keysForgotten: 0,
    fillingPartitions: 0,
    rpc: {
      openCount: 5,
      sentBytes: 12,
      avoidedCount: 9,
      refusedCount: 13,
      nonsense: [{ peer: "peer-2", kind: "store", count: 14 }],
      hedging: { reads: { count: 10 }, writes: { count: 11 } },
    },
    members: [],
    actorsEnded: 6,
    skewMs: -7.5,
    layoutVersion: 8,
    isReady: true,
    ...fields,
  };
}

function valuesOf(measured: Measured): Map<string, number> {
  return new Map(
    measure(measured).map(({ name, labels, value }) => {
      return [labels === undefined ? name : `${name} ${Object.values(labels).join(" ")}`, value];
    }),
  );
}

Deno.test("measure() gives each number a name of its own", async () => {
  const values = valuesOf(await measuredOf());
  assert.equal(values.get("ready"), 1);
  assert.equal(values.get("layout_version"), 8);
  assert.equal(values.get("requests_in_flight_count"), 1);
  assert.equal(values.get("requests_coordinated_total"), 20);
  assert.equal(values.get("requests_forwarded_total"), 3);
  assert.equal(values.get("read_repairs_total"), 4);
  assert.equal(values.get("rpcs_open_count"), 5);
  assert.equal(values.get("peers_avoided_count"), 9);
  assert.equal(values.get("rpcs_refused_total"), 13);
  assert.equal(values.get("nonsense_total peer-2 store"), 14);
  assert.equal(values.get("hedged_reads_total"), 10);
  assert.equal(values.get("early_stand_ins_total"), 11);
  assert.equal(values.get("actors_ended_total"), 6);
  assert.equal(values.get("clock_skew_ms"), -7.5);
  assert.equal(valuesOf(await measuredOf({ isReady: false })).get("ready"), 0);
});

Deno.test("measure() tells how the disk is, and how much is free if anybody can tell", async () => {
  const values = valuesOf(await measuredOf());
  const names = ["disk_takes_writes", "disk_is_readable", "disk_free_bytes"];
  assert.deepEqual(names.map((name) => values.get(name)), [1, 1, 9]);
  assert.equal(values.get("background_waited_ms_total"), 10);
  const full = { condition: "readonly", freeBytes: undefined } as const;
  const of = valuesOf(await measuredOf({ disk: full }));
  assert.deepEqual(names.map((name) => of.get(name)), [0, 1, undefined]);
  const failed = { condition: "failed", freeBytes: undefined } as const;
  assert.equal(valuesOf(await measuredOf({ disk: failed })).get("disk_is_readable"), 0);
});

Deno.test("measure() counts the members in each state, none of them as well", async () => {
  const members = ["up", "up", "down"].map((state) => ({ state }) as Member);
  const values = valuesOf(await measuredOf({ members }));
  assert.deepEqual(
    ["up", "suspect", "down"].map((state) => values.get(`members_count ${state}`)),
    [2, 0, 1],
  );
});

Deno.test("names and kinds are those that collectors expect", async () => {
  const measurements = measure(await measuredOf());
  const series = measurements.map(({ name, labels }) => JSON.stringify([name, labels]));
  assert.equal(new Set(series).size, series.length, "no series is there twice");
  for (const { name, help, kind, value } of measurements) {
    assert.match(name, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    assert.match(help, /^[A-Z0-9]/);
    assert.equal(name.endsWith("_total"), kind === "counter", name);
    assert.ok(Number.isFinite(value), name);
  }
});

Deno.test("everything that the storage counts is among the measurements", async () => {
  const measured = await measuredOf();
  const values = [...valuesOf(measured)].filter(([name]) => name.startsWith("storage_"));
  assert.equal(values.length, Object.keys(measured.storage).length);
  assert.equal(new Map(values).get("storage_journal_bytes"), measured.storage.journalBytes);
});
