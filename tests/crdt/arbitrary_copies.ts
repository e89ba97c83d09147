// Random histories of writes on three copies of one object, for the properties of objects.

import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { latestTime } from "../../src/causality/version_vector.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";

const NOW = 1_000_000;

function text(value: string): Opaque {
  return { kind: "text", bytes: utf8(value) };
}

const write = fc.record({
  at: fc.nat(2),
  from: fc.nat(2),
  kind: fc.constantFrom("put", "delete", "expire", "sync", "stale"),
  expiresIn: fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined }),
});

/** What three copies hold after random writes, each by an actor of its own, and random merges. */
export const copies = fc.array(write, { maxLength: 30 }).map((writes) => {
  const objects = [DataObject.empty, DataObject.empty, DataObject.empty];
  let clock = 0;
  for (const { at, from, kind, expiresIn } of writes) {
    const held = objects[at]!;
    const dot = { actor: `n${at}~actor`, time: ++clock };
    const expiresAtMs = expiresIn === undefined ? undefined : NOW + expiresIn;
    if (kind === "sync") objects[at] = held.merge(objects[from]!);
    else if (kind === "expire") objects[at] = held.expire(dot, expiresAtMs);
    else {
      const seen = kind === "stale" ? objects[from]!.vector() : held.vector();
      dot.time = clock = Math.max(clock, latestTime(seen) + 1);
      objects[at] = held.write(
        dot,
        kind === "delete" ? null : text(`v${clock}`),
        seen,
        expiresAtMs,
      );
    }
  }
  return objects as [DataObject, DataObject, DataObject];
});
