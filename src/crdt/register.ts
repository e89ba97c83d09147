// The register: one value, and of concurrent ones the last by (time, actor) is shown.
//
// Is it enough to keep the last one? Then a removal that had seen only that one would leave nothing, while
// a replica where the others still were would show one of them: what is left would depend on the way there.
// So concurrent values are kept until a write or a removal has seen them, as siblings are, and "last" is
// a matter of showing. They are few: one for each actor that wrote without knowing of the others.
//
// Store: the values with their dots. O(concurrent writers) for everything.
//
// Source: Johnson and Thomas, RFC 677 (1975), the last-writer rule; Almeida, Shoker and Baquero (2018),
// figure 15 (the multi-value register).

import { compareDots, type Dot } from "../causality/dot.ts";
import { causalType } from "./causal_type.ts";
import { DOT_BYTES, type StoreReader, type StoreType, type StoreWriter } from "./dot_store.ts";
import { joinDotted, readDotted, withoutSeen, writeDotted } from "./dotted.ts";
import { compareStored, type StoredValue, VALUE_KINDS } from "./value.ts";

export interface Written extends Dot {
  readonly value: StoredValue;
}

export type RegisterStore = readonly Written[];

/** What is done to a register. */
export interface RegisterOperation {
  /** Replaces what was set. */
  readonly kind: "set";
  /** What it then holds. */
  readonly value: StoredValue;
}

export const registerStore: StoreType<
  RegisterStore,
  RegisterOperation,
  StoredValue | undefined
> = {
  name: "register",
  code: 5,
  empty: [],
  isEmpty: (store) => store.length === 0,
  isLive: (store) => store.length > 0,
  apply: (_store, { value }, dot) => [{
    ...dot,
    value: { kind: value.kind, bytes: value.bytes.slice() },
  }],
  remove: (store, seen) => withoutSeen(store, seen),
  join: (a, b, sides) => joinDotted(a, b, sides, chosen),
  diff: (_before, after) => after,
  forget: (store) => store,
  value: (store) => last(store)?.value,
  latestDots: (store) => store,
  count: (store) => ({ elements: 0, dots: store.length }),
  sizeBytes: (store) => store.reduce((sum, { value }) => sum + DOT_BYTES + value.bytes.length, 0),
  write: (writer, store) => writeDotted(writer, store, ({ value }) => writeValue(writer, value)),
  read: (reader) => readDotted(reader, (dot) => ({ ...dot, value: readValue(reader) })),
};

export const register = causalType(registerStore);

function last(store: RegisterStore): Written | undefined {
  let last = store[0];
  for (const written of store) if (compareDots(written, last!) > 0) last = written;
  return last;
}

/** The one of two values that every copy takes, though one dot ought to have one. */
function chosen(a: Written, b: Written): Written {
  return compareStored(a.value, b.value) < 0 ? b : a;
}

function writeValue(writer: StoreWriter, value: StoredValue): void {
  writer.byte(VALUE_KINDS.indexOf(value.kind));
  writer.bytes(value.bytes);
}

function readValue(reader: StoreReader): StoredValue {
  const code = reader.byte();
  const kind = VALUE_KINDS[code];
  if (kind === undefined) throw reader.malformed(`value kind ${code} is unknown`);
  return { kind, bytes: reader.bytes().slice() };
}
