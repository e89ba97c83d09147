// Values that merge, as a TypeScript program sees them: a counter, a set, a map, a document.
//
// Each of these is a handle on a key, made without asking anybody; its methods are requests. Changes made through any
// node at once are merged, whether the nodes can reach each other at that moment or not.

import { equalBytes } from "../base/bytes.ts";
import type {
  GetOptions,
  KeyValueApi,
  MapEntry,
  NestedOperation,
  OperationId,
  WriteOptions,
} from "../node/api.ts";
import { storedValue, valueOf } from "./keys_and_values.ts";
import { Flag, Maximum, Minimum } from "./single_values.ts";
import { bytesOf, type Element, elementOf, listOf, TypedKey, under } from "./typed_key.ts";
import { type OperationIds, untilKnown } from "./repeated_add.ts";

/** How something is added to a counter. */
export interface AddOptions extends WriteOptions {
  /**
   * Try again for so long while it is unknown what became of it, in milliseconds up to nine minutes. The operation has
   * an id then, under which it counts once, at whatever nodes it is tried. The counter keeps ids for some minutes, a
   * few bytes each: without need do without.
   */
  readonly retryMs?: number | undefined;
  /** The id of an operation that the program tries again itself, from {@linkcode Database.operationId}. */
  readonly id?: OperationId | undefined;
}

/** Adds to a counter, which may be nested in a value of another type. */
async function addTo(
  at: TypedKey<"counter"> | TypedKey<"map">,
  amount: number,
  ids: OperationIds,
  { id: given, retryMs, ...options }: AddOptions,
  nest: (operation: NestedOperation) => NestedOperation = (operation) => operation,
): Promise<bigint> {
  const id = given ?? (retryMs === undefined ? undefined : ids.next(retryMs));
  const operation = nest({ type: "counter", operation: { kind: "add", amount, id } });
  const attempt = async () => (await at.change(operation, options)).count!;
  return retryMs === undefined ? await attempt() : await untilKnown(attempt, retryMs);
}

/** A whole number to which any node adds. The sum is exact. */
export class Counter {
  readonly #at: TypedKey<"counter">;
  readonly #ids: OperationIds;

  /** @ignore Use {@linkcode Database.counter}. */
  constructor(api: KeyValueApi, key: Uint8Array, ids: OperationIds) {
    this.#at = new TypedKey(api, key, "counter");
    this.#ids = ids;
  }

  /** Adds a safe integer, which may be negative. Returns what its coordinator then counts. */
  async add(amount: number, options: AddOptions = {}): Promise<bigint> {
    return await addTo(this.#at, amount, this.#ids, options);
  }

  /**
   * The sum as a read finds it; 0 if nothing was added.
   * // @throws {DenamoError} `wrong_type` if the key holds something else
   */
  async value(options?: GetOptions): Promise<bigint> {
    return await this.#at.value(options) ?? 0n;
  }
}

/** Elements, each once. Of an add and a delete that did not know of each other the add wins. */
export class ElementSet {
  readonly #at: TypedKey<"set">;

  /** @ignore Use {@linkcode Database.set}. */
  constructor(api: KeyValueApi, key: Uint8Array) {
    this.#at = new TypedKey(api, key, "set");
  }

  /** Returns how many of them are new. */
  add(element: Element | readonly Element[], options?: WriteOptions): Promise<number> {
    const operation = { kind: "add", elements: listOf(element) } as const;
    return this.#alter({ type: "set", operation }, options);
  }

  /**
   * Takes elements out: as the context has seen them, or as a read would show them. Returns how many were there.
   */
  delete(element: Element | readonly Element[], options?: WriteOptions): Promise<number> {
    const operation = { kind: "remove", elements: listOf(element), seen: undefined } as const;
    return this.#alter({ type: "set", operation }, options);
  }

  /**
   * Whether an element is there. @throws {DenamoError} `wrong_type` if the key holds something else
   */
  async has(element: Element, options?: GetOptions): Promise<boolean> {
    return (await this.#at.read(options)).hasElement(bytesOf(element));
  }

  /** All elements, in the order of their bytes; those that are no UTF-8 as bytes. */
  async values(options?: GetOptions): Promise<Element[]> {
    return (await this.#at.value(options) ?? []).map(elementOf);
  }

  async #alter(operation: NestedOperation, options?: WriteOptions): Promise<number> {
    return (await this.#at.change(operation, options)).changed;
  }
}

/**
 * Keys with values. Each value is a register, of which the last writer is shown, a counter, a flag, a maximum or a
 * minimum. A key that is changed beside its deletion stays.
 */
export class ValueMap {
  readonly #api: KeyValueApi;
  readonly #key: Uint8Array;
  readonly #at: TypedKey<"map">;
  readonly #ids: OperationIds;

  /** @ignore Use {@linkcode Database.map}. */
  constructor(api: KeyValueApi, key: Uint8Array, ids: OperationIds) {
    this.#api = api;
    this.#key = key;
    this.#at = new TypedKey(api, key, "map");
    this.#ids = ids;
  }

  /**
   * Sets the value under a key.
   * // @throws {TypeError} that names the path to what of the value cannot be stored
   */
  async set(key: Element, value: unknown, options?: WriteOptions): Promise<void> {
    const operation = { kind: "set", value: storedValue(value) } as const;
    await this.#at.change(under(key, { type: "register", operation }), options);
  }

  /** Adds to a counter under a key. Returns what its coordinator then counts. */
  async add(key: Element, amount: number, options: AddOptions = {}): Promise<bigint> {
    return await addTo(this.#at, amount, this.#ids, options, (operation) => under(key, operation));
  }

  /** A flag under a key; nobody is asked yet. */
  flag(key: Element): Flag {
    return new Flag(this.#api, this.#key, bytesOf(key));
  }

  /** The largest of numbers under a key; nobody is asked yet. */
  max(key: Element): Maximum {
    return new Maximum(this.#api, this.#key, bytesOf(key));
  }

  /** The smallest of numbers under a key; nobody is asked yet. */
  min(key: Element): Minimum {
    return new Minimum(this.#api, this.#key, bytesOf(key));
  }

  /** Returns whether the key was there. */
  async delete(key: Element, options?: WriteOptions): Promise<boolean> {
    const operation = { kind: "remove", keys: [bytesOf(key)], seen: undefined } as const;
    return (await this.#at.change({ type: "map", operation }, options)).changed > 0;
  }

  /** What is under a key; undefined if nothing is. */
  async get(key: Element, options?: GetOptions): Promise<unknown> {
    const name = bytesOf(key);
    const entries = await this.#at.value(options) ?? [];
    const entry = entries.find(({ key: other }) => equalBytes(other, name));
    return entry === undefined ? undefined : shown(entry);
  }

  /** All keys with their values, in the order of the bytes of the keys. */
  async entries(options?: GetOptions): Promise<[key: Element, value: unknown][]> {
    return entriesOf(await this.#at.value(options) ?? []);
  }
}

function entriesOf(entries: readonly MapEntry[]): [Element, unknown][] {
  return entries.map((entry) => [elementOf(entry.key), shown(entry)]);
}

function shown(entry: MapEntry): unknown {
  switch (entry.type) {
    case "register":
      return valueOf(entry.value);
    case "set":
      return entry.value.map(elementOf);
    case "map":
      return entriesOf(entry.value);
    default:
      return entry.value;
  }
}
