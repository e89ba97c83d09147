// The largest and the smallest number that was ever put in.
//
// Merging would be Math.max, were it not for removals: what was removed must not come back, and what was put
// in beside the removal must stay. So a number has the dot of the operation that brought it, and replaces
// the numbers that its coordinator saw, all of which it exceeds. A number that exceeds nothing at
// its coordinator has no effect, and is not kept for the case that the larger one is removed elsewhere.
//
// Store: the numbers with their dots, one for each actor that wrote without knowing of the others. Numbers
// are finite; minus zero is zero, or equal values would have two encodings.
//
// Source: Shapiro et al., "A comprehensive study of CRDTs" (2011), section 3.1 (a join of numbers); the dots
// are those of register.ts.

import type { Dot } from "../causality/dot.ts";
import type { TypeName } from "./contract.ts";
import { DOT_BYTES, type StoreReader, type StoreType, type StoreWriter } from "./dot_store.ts";
import { joinDotted, readDotted, withoutSeen, writeDotted } from "./dotted.ts";

export interface Candidate extends Dot {
  readonly value: number;
}

export type ExtremeStore = readonly Candidate[];

/** What is done to a maximum or a minimum. */
export interface ExtremeOperation {
  /** Has an effect only if the number exceeds all that were put. */
  readonly kind: "put";
  /** Finite. */
  readonly value: number;
}

export type ExtremeType = StoreType<ExtremeStore, ExtremeOperation, number | undefined>;

/** The stores of a type that keeps the number which `exceeds` all others. */
export function extremeStore(
  name: TypeName,
  code: number,
  exceeds: (value: number, other: number) => boolean,
): ExtremeType {
  const value = (store: ExtremeStore) => {
    let most: number | undefined;
    for (const { value } of store) if (most === undefined || exceeds(value, most)) most = value;
    return most;
  };
  return {
    name,
    code,
    empty: [],
    isEmpty: (store) => store.length === 0,
    isLive: (store) => store.length > 0,

    apply(store, operation, dot) {
      if (!Number.isFinite(operation.value)) {
        throw new RangeError(`Cannot put ${operation.value} into a ${name}`);
      }
      const held = value(store);
      if (held !== undefined && !exceeds(operation.value, held)) return store;
      return [{ ...dot, value: operation.value + 0 }];
    },

    remove: (store, seen) => withoutSeen(store, seen),
    join: (a, b, sides) =>
      joinDotted(a, b, sides, (mine, theirs) => exceeds(theirs.value, mine.value) ? theirs : mine),
    diff: (_before, after) => after,
    forget: (store) => store,
    value,
    latestDots: (store) => store,
    count: (store) => ({ elements: 0, dots: store.length }),
    sizeBytes: (store) => store.length * (DOT_BYTES + 8),
    write: (writer, store) => writeDotted(writer, store, ({ value }) => writeNumber(writer, value)),
    read: (reader) => readDotted(reader, (dot) => ({ ...dot, value: readNumber(reader) })),
  };
}

/** Eight bytes, IEEE 754, the highest first. */
function writeNumber(writer: StoreWriter, value: number): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  writer.raw(bytes);
}

function readNumber(reader: StoreReader): number {
  const bytes = reader.raw(8);
  const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0);
  if (!Number.isFinite(value) || Object.is(value, -0)) throw reader.malformed("a number is none");
  return value;
}
