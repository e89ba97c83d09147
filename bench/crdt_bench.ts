// Values that merge: what one element costs in a set of few and of many.
//
// The bytes of one add's delta stand in the names of the benchmarks.

import { utf8 } from "../src/base/bytes.ts";
import type { State } from "../src/crdt/contract.ts";
import { counter, type CounterStore } from "../src/crdt/counter.ts";
import { hyperLogLog } from "../src/crdt/hyperloglog.ts";
import { map, type MapOperation, type MapStore } from "../src/crdt/map.ts";
import { set, type SetOperation, type SetStore } from "../src/crdt/set.ts";

const ACTOR = "n1~AAAAAAAAAAA";
const OTHER = "n2~AAAAAAAAAAA";
const START = 1_700_000_000_000 * 2048;

function add(...elements: string[]): SetOperation {
  return { kind: "add", elements: elements.map(utf8) };
}

function count(key: string): MapOperation {
  const operation = { kind: "add", amount: 1, id: undefined } as const;
  return { kind: "update", key: utf8(key), nested: { type: "counter", operation } };
}

function setOf(size: number): State<SetStore> {
  const elements = Array.from({ length: size }, (_, i) => `element ${i}`);
  return set.apply(set.empty, add(...elements), { actor: ACTOR, time: START });
}

function mapOf(size: number): State<MapStore> {
  let state = map.empty;
  for (let i = 0; i < size; i++) {
    state = map.apply(state, count(`key ${i}`), { actor: ACTOR, time: START + i });
  }
  return state;
}

for (const size of [100, 10_000, 100_000]) {
  const held = setOf(size);
  const dot = { actor: OTHER, time: START + 1 };
  const added = set.apply(held, add("one more"), dot);
  const delta = set.delta(held, added);
  const aside = set.apply(held, add("another"), { actor: ACTOR, time: START + 1 });
  const decoded = set.decode(set.encode(aside));
  const group = `set of ${size}`;
  const bytes = set.encodeDelta(delta).length;
  Deno.bench(`${group}: add one (delta of ${bytes} B)`, { group, baseline: true }, () => {
    set.apply(held, add("one more"), dot);
  });
  Deno.bench(`${group}: delta of one add`, { group }, () => {
    set.delta(held, added);
  });
  Deno.bench(`${group}: merge a delta of one add`, { group }, () => {
    set.mergeDelta(aside, delta);
  });
  Deno.bench(`${group}: merge with a set of the same origin`, { group }, () => {
    set.merge(aside, added);
  });
  Deno.bench(`${group}: merge with a set that was decoded`, { group }, () => {
    set.merge(decoded, added);
  });
  Deno.bench(`${group}: encode (${set.encode(held).length} B)`, { group }, () => {
    set.encode(held);
  });
}

for (const size of [100, 10_000, 100_000]) {
  const held = mapOf(size);
  const dot = { actor: OTHER, time: START + size };
  const counted = map.apply(held, count("key 50"), dot);
  const delta = map.delta(held, counted);
  const group = `map of ${size} counters`;
  const bytes = map.encodeDelta(delta).length;
  Deno.bench(`${group}: add to one (delta of ${bytes} B)`, { group, baseline: true }, () => {
    map.apply(held, count("key 50"), dot);
  });
  Deno.bench(`${group}: merge a delta of one add`, { group }, () => {
    map.mergeDelta(held, delta);
  });
}

for (const size of [100, 10_000]) {
  let held: State<CounterStore> = counter.empty;
  for (let number = 0; number < size; number++) {
    const id = { session: "session", number, untilMs: START / 2048 };
    const dot = { actor: ACTOR, time: START + number };
    held = counter.apply(held, { kind: "add", amount: 1, id }, dot);
  }
  const group = `counter with ${size} operation ids`;
  const id = { session: "session", number: size, untilMs: START / 2048 };
  Deno.bench(`${group}: add with an id`, { group, baseline: true }, () => {
    counter.apply(held, { kind: "add", amount: 1, id }, { actor: ACTOR, time: START + size });
  });
  Deno.bench(`${group}: forget all`, { group }, () => {
    counter.forget(held, START + size);
  });
}

for (const size of [100, 10_000, 100_000]) {
  const elements = Array.from({ length: size }, (_, i) => utf8(`element ${i}`));
  const dot = { actor: ACTOR, time: START };
  const held = hyperLogLog.apply(hyperLogLog.empty, { kind: "add", elements }, dot);
  const later = { actor: ACTOR, time: START + 1 };
  const group = `HyperLogLog of ${size}`;
  const bytes = hyperLogLog.encode(held).length;
  Deno.bench(`${group}: add one (${bytes} B)`, { group, baseline: true }, () => {
    hyperLogLog.apply(held, { kind: "add", elements: [utf8("one more")] }, later);
  });
  Deno.bench(`${group}: estimate`, { group }, () => {
    hyperLogLog.value(held);
  });
}
