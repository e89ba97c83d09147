// The values of a key, or of a key in a map, that merge: what a reader may ask of them.

import {
  isLive,
  type MapStore,
  type NestedOperation,
  type NestedValues,
  type Slots,
  slotsAt,
  storeIn,
  valueIn,
} from "./map.ts";
import { type HyperLogLogStore, hyperLogLogStore, registersIn } from "./hyperloglog.ts";
import type { TypeName } from "./contract.ts";
import { hasElement, type SetStore } from "./set.ts";

/** The values that merge of one key, or of one key of a map: at most one of each type. */
export class MergedValues {
  /** Nothing. */
  static readonly empty = new MergedValues([]);

  readonly #slots: Slots;

  /** @ignore A read makes it. */
  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** The types of the values that are there: mostly one, and several where they were begun at once. */
  get types(): readonly TypeName[] {
    return this.#slots.map(({ type }) => type.name as TypeName);
  }

  /** Whether there is a value of a type. */
  has(type: TypeName): boolean {
    return storeIn(this.#slots, type) !== undefined;
  }

  /** The value of a type, undefined if there is none. */
  valueOf<Name extends TypeName>(type: Name): NestedValues[Name] | undefined {
    return valueIn(this.#slots, type);
  }

  /** How many elements the set has. */
  get setSize(): number {
    return (storeIn(this.#slots, "set") as SetStore | undefined)?.size ?? 0;
  }

  /** Whether an element is in the set, without making the list of all. */
  hasElement(element: Uint8Array): boolean {
    const store = storeIn(this.#slots, "set") as SetStore | undefined;
    return store !== undefined && hasElement(store, element);
  }

  /** What is under a key of the map, without making the list of all. */
  at(key: Uint8Array): MergedValues {
    const slots = slotsAt(storeIn(this.#slots, "map") as MapStore | undefined, key);
    return slots.length === 0 ? MergedValues.empty : new MergedValues(slots.filter(isLive));
  }

  /** About how many different elements several HyperLogLogs have counted together. */
  static countDistinct(all: readonly MergedValues[]): number {
    return hyperLogLogStore.value(hyperLogLogsOf(all.map((values) => values.#slots)));
  }

  /** The operation that adds to a HyperLogLog what several have counted together. */
  static mergeOfDistinct(all: readonly MergedValues[]): NestedOperation {
    const registers = registersIn(hyperLogLogsOf(all.map((values) => values.#slots)));
    return { type: "hyperloglog", operation: { kind: "merge", registers } };
  }
}

function hyperLogLogsOf(slots: readonly Slots[]): HyperLogLogStore {
  return slots.flatMap((some) => (storeIn(some, "hyperloglog") ?? []) as HyperLogLogStore);
}
