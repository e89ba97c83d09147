// Random histories of writes on three copies of one object, for the properties of objects.

import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { latestTime } from "../../src/causality/version_vector.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";

import { leaf } from "./map_twin.ts";

const NOW = 1_000_000;

function text(value: string): Opaque {
  return { kind: "text", bytes: utf8(value) };
}

interface Write {
  readonly at: number;
  readonly from: number;
  readonly kind: "put" | "delete" | "expire" | "sync" | "stale" | "update";
  readonly operation: NestedOperation;
  readonly expiresIn: number | undefined;
}

const write: fc.Arbitrary<Write> = fc.record({
  at: fc.nat(2),
  from: fc.nat(2),
  kind: fc.constantFrom<Write["kind"][]>("put", "delete", "expire", "sync", "stale", "update"),
  operation: leaf,
  expiresIn: fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined }),
});

/** What three copies hold after random writes, each by an actor of its own, and random merges. */
export const copies = fc.array(write, { maxLength: 30 }).map((writes) => {
  return hold(writes, (at) => `n${at}~actor`);
});

/** The same where nodes are restarted again and again, so that every few writes come from another actor. */
export const livingCopies = fc.array(write, { maxLength: 50 }).map((writes) => {
  return hold(writes, (at, clock) => `n${at}~${String(Math.floor(clock / 3)).padStart(2, "0")}`);
});

function hold(
  writes: readonly Write[],
  actorOf: (at: number, clock: number) => string,
): [DataObject, DataObject, DataObject] {
  const objects = [DataObject.empty, DataObject.empty, DataObject.empty];
  let clock = 0;
  for (const { at, from, kind, expiresIn, operation } of writes) {
    const held = objects[at]!;
    const expiresAtMs = expiresIn === undefined ? undefined : NOW + expiresIn;
    if (kind === "sync") {
      objects[at] = held.merge(objects[from]!);
      continue;
    }
    const seen = kind === "stale" ? objects[from]!.vector() : held.vector();
    const time = clock = Math.max(clock, latestTime(seen)) + 1;
    const dot = { actor: actorOf(at, time), time };
    const value = kind === "delete" ? null : text(`v${clock}`);
    if (kind === "expire") objects[at] = held.expire(dot, expiresAtMs);
    else if (kind === "update") objects[at] = held.update(dot, operation);
    else objects[at] = held.write(dot, value, seen, expiresAtMs);
  }
  return objects as [DataObject, DataObject, DataObject];
}
