// Values that merge and are one thing: a flag, a register, the largest or the smallest of numbers, and a count of what
// is different. Each is a handle on a key, or on what is under a key of a map.

import type { GetOptions, KeyValueApi, WriteOptions } from "../node/api.ts";
import { MergedValues } from "../node/api.ts";
import { storedValue, valueOf } from "./keys_and_values.ts";
import { type Element, listOf, TypedKey } from "./typed_key.ts";

/** On or off; off at first. Of an enabling and a disabling that did not know of each other the enabling wins. */
export class Flag {
  readonly #at: TypedKey<"flag">;

  /** @ignore Use {@linkcode Database.flag} or {@linkcode ValueMap.flag}. */
  constructor(api: KeyValueApi, key: Uint8Array, inMap?: Uint8Array) {
    this.#at = new TypedKey(api, key, "flag", inMap);
  }

  /** Turns it on. @throws {DenamoError} whose `outcome` tells whether it may be on */
  async enable(options?: WriteOptions): Promise<void> {
    await this.#at.change({ type: "flag", operation: { kind: "enable" } }, options);
  }

  /** Takes back what the context has seen of enablings, or what a read would show. */
  async disable(options?: WriteOptions): Promise<void> {
    const operation = { kind: "disable", seen: undefined } as const;
    await this.#at.change({ type: "flag", operation }, options);
  }

  /** Whether it is on. @throws {DenamoError} `wrong_type` if the key holds something else */
  async isEnabled(options?: GetOptions): Promise<boolean> {
    return await this.#at.value(options) ?? false;
  }
}

/** One value. Of two that were set without knowing of each other the later is shown, and the other is lost. */
export class Register {
  readonly #at: TypedKey<"register">;

  /** @ignore Use {@linkcode Database.register}. */
  constructor(api: KeyValueApi, key: Uint8Array) {
    this.#at = new TypedKey(api, key, "register");
  }

  /** @throws {TypeError} if the value holds what MessagePack cannot */
  /**
   * Replaces what was set. @throws {TypeError} that names the path to what of the value cannot be stored
   */
  async set(value: unknown, options?: WriteOptions): Promise<void> {
    const operation = { kind: "set", value: storedValue(value) } as const;
    await this.#at.change({ type: "register", operation }, options);
  }

  /** Undefined if nothing was set. */
  async value<T = unknown>(options?: GetOptions): Promise<T | undefined> {
    const stored = await this.#at.value(options);
    return stored === undefined ? undefined : valueOf(stored) as T;
  }
}

/** The largest of all numbers that were put. */
export class Maximum {
  readonly #at: TypedKey<"max">;

  /** @ignore Use {@linkcode Database.max} or {@linkcode ValueMap.max}. */
  constructor(api: KeyValueApi, key: Uint8Array, inMap?: Uint8Array) {
    this.#at = new TypedKey(api, key, "max", inMap);
  }

  /** Changes nothing if the value is as large. @throws {DenamoError} `bad_request` if it is no number */
  async raise(value: number, options?: WriteOptions): Promise<void> {
    await this.#at.change({ type: "max", operation: { kind: "put", value } }, options);
  }

  /** Undefined if nothing was put. */
  async value(options?: GetOptions): Promise<number | undefined> {
    return await this.#at.value(options);
  }
}

/** The smallest of all numbers that were put. */
export class Minimum {
  readonly #at: TypedKey<"min">;

  /** @ignore Use {@linkcode Database.min} or {@linkcode ValueMap.min}. */
  constructor(api: KeyValueApi, key: Uint8Array, inMap?: Uint8Array) {
    this.#at = new TypedKey(api, key, "min", inMap);
  }

  /** Changes nothing if the value is as small. @throws {DenamoError} `bad_request` if it is no number */
  async lower(value: number, options?: WriteOptions): Promise<void> {
    await this.#at.change({ type: "min", operation: { kind: "put", value } }, options);
  }

  /** Undefined if nothing was put. */
  async value(options?: GetOptions): Promise<number | undefined> {
    return await this.#at.value(options);
  }
}

/** About how many different elements were added, in at most 12 KiB; the standard error is 0.81 %. */
export class DistinctCount {
  readonly #at: TypedKey<"hyperloglog">;

  /** @ignore Use {@linkcode Database.distinct}. */
  constructor(api: KeyValueApi, key: Uint8Array) {
    this.#at = new TypedKey(api, key, "hyperloglog");
  }

  /** Adds elements; those that were added before change nothing. @throws {DenamoError} */
  async add(element: Element | readonly Element[], options?: WriteOptions): Promise<void> {
    const operation = { kind: "add", elements: listOf(element) } as const;
    await this.#at.change({ type: "hyperloglog", operation }, options);
  }

  /** Adds what others have counted: they are read first. */
  async merge(others: readonly DistinctCount[], options?: WriteOptions): Promise<void> {
    const counted = await Promise.all(others.map((other) => other.#at.read()));
    await this.#at.change(MergedValues.mergeOfDistinct(counted), options);
  }

  /** About how many different elements were added; 0 if none were. */
  async value(options?: GetOptions): Promise<number> {
    return await this.#at.value(options) ?? 0;
  }
}
