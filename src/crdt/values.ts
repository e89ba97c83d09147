// The values of one key that merge: a slot for each type, and one vector of what they have seen.
//
// Two replicas may begin different types under one key at once, and neither must be lost; so an object has a slot
// for each type, as a key of a map has (map.ts). All slots share one vector: a delete of the key is one
// operation on all of them.

import { causalType } from "./causal_type.ts";
import type { State } from "./contract.ts";
import type { StoreType } from "./dot_store.ts";
import {
  allDotsOfSlots,
  changeSlots,
  diffSlots,
  isLive,
  joinSlots,
  latestDotsOfSlots,
  type NestedOperation,
  NO_SLOTS,
  pendingInSlots,
  readSlots,
  removed,
  sizeBytesOfSlots,
  type Slots,
  updated,
  writeSlots,
} from "./map.ts";

const valuesStore: StoreType<Slots, NestedOperation, Slots> = {
  name: "values",
  code: 10,
  empty: NO_SLOTS,
  isEmpty: (slots) => slots.length === 0,
  isLive: (slots) => slots.some(isLive),
  apply: updated,
  remove: removed,
  join: joinSlots,
  diff: diffSlots,
  forget: (slots, upTo) => changeSlots(slots, ({ type, store }) => type.forget(store, upTo)),
  value: (slots) => slots.filter(isLive),
  latestDots: latestDotsOfSlots,
  pending: pendingInSlots,
  allDots: allDotsOfSlots,
  count(slots) {
    const counts = slots.map(({ type, store }) => type.count(store));
    return {
      elements: counts.reduce((sum, { elements }) => sum + elements, 0),
      dots: counts.reduce((sum, { dots }) => sum + dots, 0),
    };
  },
  sizeBytes: sizeBytesOfSlots,
  write: writeSlots,
  read(reader) {
    // A map that is the value of a key is not nested in another.
    reader.depth--;
    const slots = readSlots(reader);
    reader.depth++;
    return slots;
  },
};

/** What a key holds beside its opaque value. */
export type Values = State<Slots>;

export const values = causalType(valuesStore);
