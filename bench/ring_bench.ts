// The ring: what every request pays (partition and owners), and what a change of the layout costs.
//
//   deno bench bench/ring_bench.ts

import { utf8 } from "../src/base/bytes.ts";
import { hash64 } from "../src/base/hash.ts";
import { decodeLayout, encodeLayout } from "../src/ring/layout_codec.ts";
import { partitionOf } from "../src/ring/partition.ts";
import { Placement } from "../src/ring/placement.ts";
import { planLayout } from "../src/ring/planner.ts";

const members = Array.from({ length: 100 }, (_, i) => ({
  node: `n${i + 1}`,
  zone: `dc${i % 5}`,
  weight: 1,
}));
const settings = { partitions: 1024, replication: 3 };
const first = planLayout({ ...settings, version: 1, members: members.slice(1) });
const bytes = encodeLayout(first);
const placement = new Placement(first);
const keys = Array.from({ length: 1000 }, (_, i) => utf8(`user:${i * 7919}:cart`));

let sink = 0;

Deno.bench("hash64() of 1,000 keys", { group: "key", baseline: true }, () => {
  for (const key of keys) if (hash64(key) === 0n) sink++;
});
Deno.bench("partitionOf() of 1,000 keys", { group: "key" }, () => {
  for (const key of keys) sink += partitionOf(key, 1024);
});
Deno.bench("partitionOf() and owners() of 1,000 keys", { group: "key" }, () => {
  for (const key of keys) sink += placement.owners(partitionOf(key, 1024)).length;
});
Deno.bench("partitionOf() and ownersFor(2) of 1,000 keys", { group: "key" }, () => {
  for (const key of keys) sink += placement.ownersFor(partitionOf(key, 1024), 2).length;
});

Deno.bench("planLayout(), 100 nodes from nothing", { group: "layout", baseline: true }, () => {
  planLayout({ ...settings, version: 1, members });
});
Deno.bench("planLayout(), one node joins 99", { group: "layout" }, () => {
  planLayout({ ...settings, version: 2, members, previous: first });
});
Deno.bench("planLayout(), one node leaves 99", { group: "layout" }, () => {
  planLayout({ ...settings, version: 2, members: members.slice(2), previous: first });
});
Deno.bench("decodeLayout(), 99 nodes", { group: "layout" }, () => {
  decodeLayout(bytes);
});
Deno.bench("Placement with all preference lists, 99 nodes", { group: "layout" }, () => {
  const fresh = new Placement(first);
  for (let partition = 0; partition < 1024; partition++) fresh.preferenceList(partition);
});
