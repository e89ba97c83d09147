// Large sets and maps cut into parts, so that a storage can keep their entries apart.
//
// The head says what has been seen; each part has a key and the dots of that key with whatever they bring.
// A part names its actors in full, since an index into the head would change when an actor comes or
// goes: so one add writes the head and one part, and no other.
//
//   head  := version (1) | seen
//   part  := value, in which a dot is the name of its actor and its time
//
// A head must not be older than its parts: a dot that it has not seen is malformed.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { binaryString, fromBinaryString } from "../base/bytes.ts";
import { type Dot, MAX_ACTOR_BYTES } from "../causality/dot.ts";
import type { State } from "./contract.ts";
import { StoreReader, StoreWriter } from "./dot_store.ts";
import type { EntryType } from "./map_store.ts";
import { SeenVector } from "./seen_vector.ts";
import { type Change, SortedMap } from "./sorted_map.ts";

const VERSION = 1;

export interface Part {
  readonly key: Uint8Array<ArrayBuffer>;
  /** Undefined in a list of changes for a key that is gone. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/** How one type is cut into parts. */
export interface PartsType<V> {
  head(state: State<SortedMap<V>>): Uint8Array<ArrayBuffer>;
  /** Every entry, in the order of the keys. O(n), one at a time. */
  parts(state: State<SortedMap<V>>): Generator<Part>;
  /** The entries of `after` that are not those of `before`. Cheap if one was made from the other. */
  changedParts(before: State<SortedMap<V>>, after: State<SortedMap<V>>): Generator<Part>;
  /**
   * Puts a state together, of parts in any order.
   *
   * @throws {MalformedError} for what is no head with its parts
   */
  fromParts(head: Uint8Array, parts: Iterable<Part>): State<SortedMap<V>>;
}

export function partsOf<V>(name: string, type: EntryType<V>): PartsType<V> {
  const encode = (key: string, value: V | undefined): Part => {
    if (value === undefined) return { key: fromBinaryString(key), body: undefined };
    const writer = new PartWriter();
    type.write(writer, value);
    return { key: fromBinaryString(key), body: writer.finish() };
  };
  return {
    head({ seen }) {
      const writer = new ByteWriter();
      writer.byte(VERSION);
      seen.write(writer);
      return writer.finish();
    },

    *parts({ store }) {
      for (const [key, value] of store) yield encode(key, value);
    },

    *changedParts(before, after) {
      for (const [key, old, value] of before.store.differences(after.store)) {
        if (old !== value) yield encode(key, value);
      }
    },

    fromParts(head, parts) {
      const reader = new ByteReader(head, name);
      if (reader.byte() !== VERSION) throw reader.malformed("its version is unknown");
      const seen = SeenVector.read(reader);
      reader.end();
      const entries: Change<V>[] = [];
      for (const { key, body } of parts) {
        if (body === undefined) continue;
        const part = new PartReader(body, name, seen);
        const value = type.read(part);
        part.end();
        if (type.isEmpty(value)) throw part.malformed("a part is empty");
        entries.push([binaryString(key), value]);
      }
      entries.sort(([a], [b]) => a < b ? -1 : 1);
      if (entries.some(([key], i) => key === entries[i - 1]?.[0])) {
        throw reader.malformed("two parts have one key");
      }
      return { seen, store: SortedMap.empty<V>().withChanges(entries) };
    },
  };
}

/** Writes dots that need no head to be read. */
class PartWriter extends StoreWriter {
  constructor() {
    super(SeenVector.empty);
  }

  override dot(dot: Dot): void {
    this.text(dot.actor);
    this.integer(dot.time);
  }
}

class PartReader extends StoreReader {
  readonly #seen: SeenVector;

  constructor(bytes: Uint8Array, where: string, seen: SeenVector) {
    super(bytes, where, seen, false);
    this.#seen = seen;
  }

  override dot(): Dot {
    const actor = this.text();
    const time = this.integer();
    if (actor.length > MAX_ACTOR_BYTES) throw this.malformed("an actor is too long");
    if (time === 0 || time > (this.#seen.times.get(actor) ?? 0)) {
      throw this.malformed("a dot has not been seen");
    }
    return { actor, time };
  }
}
