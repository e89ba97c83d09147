// Names for dots that stay the same from run to run.
//
// A dot is an actor, with 64 random bits in its id, and a time that depends on every pause before it. In a story
// the first actor of n1 is n1a, the one after it n1b, and its writes are n1b:1, n1b:2 in their order. So a
// reader sees at a glance which copy wrote, and whether it is still the same copy.

import { utf8Text } from "../../src/base/bytes.ts";
import type { Dot } from "../../src/causality/dot.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { values as valuesType } from "../../src/crdt/values.ts";
import { MergedValues } from "../../src/node/api.ts";
import type { Write } from "../sim/history.ts";
import { showMerged } from "./alterations.ts";

export class DotNames {
  readonly #writes: () => readonly Write[];

  /** @param writes all dots that were drawn so far, in their order */
  constructor(writes: () => readonly Write[]) {
    this.#writes = writes;
  }

  /** Such as "n1a:2". */
  of({ actor, time }: Dot): string {
    const ofActor = this.#writes().filter(({ dot }) => dot.actor === actor);
    const rank = ofActor.findIndex(({ dot }) => dot.time === time);
    if (rank === -1) return "a dot that nobody drew";
    return `${this.#actor(ofActor[0]!)}:${rank + 1}`;
  }

  /** All of a context, such as "n1a:2 n3a:1". */
  ofVector(vector: VersionVector): string {
    const names = [...vector].map(([actor, time]) => this.of({ actor, time }));
    return names.length === 0 ? "nothing" : names.sort().join(" ");
  }

  /** What a copy holds: its values, and the latest of each actor among the dots that they have replaced. */
  ofObject({ expiry, isEmpty, opaque, values }: DataObject): string {
    if (isEmpty) return "nothing";
    const siblings = [...opaque.siblings()].map((sibling) => {
      const { value } = sibling;
      return `${value === null ? "deleted" : `"${utf8Text(value.bytes)}"`} (${this.of(sibling)})`;
    });
    const merged = showMerged(new MergedValues(valuesType.value(values)));
    const replaced = opaque.entries.filter(({ discardedUpTo }) => discardedUpTo > 0)
      .map(({ actor, discardedUpTo }) => this.of({ actor, time: discardedUpTo }));
    const inPlace = replaced.length === 0 ? "" : ` in place of ${replaced.sort().join(" ")}`;
    const ends = [...expiry.siblings()].map((dot) => this.of(dot));
    const end = ends.length === 0 ? "" : `, ends by ${ends.sort().join(" ")}`;
    const held = [...siblings.sort(), ...merged].join(", ");
    return `${held === "" ? "no value" : held}${inPlace}${end}`;
  }

  #actor({ dot, node }: Write): string {
    const actors = new Set(
      this.#writes().filter((write) => write.node === node).map((write) => write.dot.actor),
    );
    return `${node}${String.fromCharCode("a".charCodeAt(0) + [...actors].indexOf(dot.actor))}`;
  }
}
