// The database as a TypeScript program sees it: keys and values of the language over a node's interface.

import { isBelowPrefix } from "../base/kv_key.ts";
import type { StoredValue } from "../crdt/value.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import type {
  GetOptions,
  KeyValueApi,
  OperationId,
  PutOptions,
  ReadOptions,
  ReadResult,
  ScanPosition,
  TypeName,
  WriteOptions,
} from "../node/api.ts";
import { LiveDocument } from "./live_document.ts";
import { OperationIds } from "./repeated_add.ts";
import { SessionApi, type SessionOptions } from "./session.ts";
import { DistinctCount, Flag, Maximum, Minimum, Register } from "./single_values.ts";
import { Counter, ElementSet, ValueMap } from "./typed_values.ts";
import {
  type Key,
  keyBytes,
  keyOf,
  prefixBytes,
  storedValue,
  valueAmongOthers,
  valueOf,
} from "./keys_and_values.ts";

/** What a key holds. */
export interface Entry<T> {
  /** The latest of the siblings; undefined if there is none. */
  readonly value: T | undefined;
  /**
   * All values that no later write has replaced, the latest first. In a list, and where there are several, one that
   * has no form in TypeScript is an {@linkcode UndecodedValue}.
   */
  readonly siblings: readonly T[];
  /**
   * Give it to a later put or delete to replace exactly what this read saw, or to a later get as `atLeast` to be
   * shown nothing that is older.
   */
  readonly context: string;
  /** When the latest value ends, in milliseconds since 1970; undefined if it does not. */
  readonly expiresAtMs: number | undefined;
  /** The types of values that merge, which are read as {@linkcode Database.counter} and its like. */
  readonly types: readonly TypeName[];
}

/** What a write left. */
export interface Written {
  /** How many values the coordinator's copy holds after it: 1 unless others wrote meanwhile. */
  readonly siblings: number;
  /** The context that covers this write, if nothing else is left beside it. */
  readonly context: string | undefined;
  /** Give it to a later get to see this write. */
  readonly atLeast: string | undefined;
}

/** How a list is read, and which part of it. `timeoutMs` counts for each request that it makes. */
export interface ListOptions extends ReadOptions {
  /** Only keys that begin with this: characters of a string key, or parts of an array key. */
  readonly prefix?: Key | undefined;
  /** End after so many entries. */
  readonly limit?: number | undefined;
}

/** One entry of a list. */
export interface ListEntry<T> extends Entry<T> {
  /** The key, in the form in which a program would have given it. */
  readonly key: Key;
}

/** Keys fetched at once by a list, and values read at once. */
const LIST_PAGE_COUNT = 100;

/**
 * Keys and values of TypeScript programs over a node, which asks the owners of each key.
 * // Every request ends as {@linkcode DenamoError} says: it resolves, has certainly had no effect, or may have had one.
 */
export class Database {
  readonly #api: KeyValueApi;
  readonly #ids = new OperationIds();

  /** @ignore Use {@linkcode startNode}. */
  constructor(api: KeyValueApi) {
    this.#api = api;
  }

  /**
   * Reads a key from R of its owners; with `atLeast`, from as many as have seen together what that token covers.
   *
   * @throws {DenamoError} see its `code`, `unsupported` if the only value has no form in TypeScript; a read has no
   * effect whatever its outcome
   */
  async get<T = unknown>(key: Key, options?: GetOptions): Promise<Entry<T>> {
    const found = await this.#api.get(keyBytes(key), options);
    return entryOf<T>(found, found.siblings.length > 1 ? valueAmongOthers : valueOf);
  }

  /**
   * Writes a value and waits until W owners have it on their disks. With a context it replaces what that
   * context covers; without one, what its coordinator holds at that moment.
   *
   * @throws {DenamoError} whose `outcome` tells whether the write may have taken effect
   * @throws {TypeError} that names the path to what of the value cannot be stored
   */
  async put(key: Key, value: unknown, options?: PutOptions): Promise<Written> {
    const written = await this.#api.put(keyBytes(key), storedValue(value), options);
    return {
      siblings: written.siblings,
      context: written.context(),
      atLeast: written.atLeast(),
    };
  }

  /**
   * Deletes a key: what its context covers, or everything that a read finds.
   *
   * @returns whether there was something to delete
   * @throws {DenamoError} as {@linkcode Database.put}
   */
  async delete(key: Key, options?: WriteOptions): Promise<boolean> {
    return (await this.#api.delete(keyBytes(key), options)).existed;
  }

  /**
   * Sets when the value of a key ends, in milliseconds since 1970; undefined means never.
   *
   * @returns whether there is a value
   */
  async expire(
    key: Key,
    expiresAtMs: number | undefined,
    options?: WriteOptions,
  ): Promise<boolean> {
    return (await this.#api.expire(keyBytes(key), expiresAtMs, options)).existed;
  }

  /** A counter under a key; nobody is asked yet. */
  counter(key: Key): Counter {
    return new Counter(this.#api, keyBytes(key), this.#ids);
  }

  /**
   * An id for something that is added to a counter, to be tried again by the program, here or through another node: it
   * counts once. With `retryMs` the client does all that itself.
   *
   * @param triedMs for how long it may be tried from now on, in milliseconds up to nine minutes; a later try fails
   * as `too_late`
   */
  operationId(triedMs = 60_000): OperationId {
    return this.#ids.next(triedMs);
  }

  /** A set under a key; nobody is asked yet. */
  set(key: Key): ElementSet {
    return new ElementSet(this.#api, keyBytes(key));
  }

  /** A map under a key; nobody is asked yet. */
  map(key: Key): ValueMap {
    return new ValueMap(this.#api, keyBytes(key), this.#ids);
  }

  /**
   * A flag under a key, which is on or off; nobody is asked yet.
   *
   * ```ts
   * import assert from "node:assert/strict";
   * import { startNode } from "@denamo/denamo";
   *
   * const data = await Deno.makeTempDir();
   * {
   *   await using db = await startNode({ name: "n1", data, replication: 1 });
   *
   *   await db.flag("maintenance").enable();
   *   assert.equal(await db.flag("maintenance").isEnabled(), true);
   *   await db.max("record").raise(12.5);
   *   await db.max("record").raise(11); // changes nothing
   *   assert.equal(await db.max("record").value(), 12.5);
   *   await db.min("price").lower(3);
   *   await db.register("title").set({ en: "Milk" });
   *   await db.distinct("visitors").add(["Ann", "Bob", "Ann"]);
   *   assert.equal(await db.distinct("visitors").value(), 2);
   *   await db.map("user:42").flag("verified").enable();
   *   await db.map("user:42").max("best").raise(7);
   *   assert.deepEqual(await db.map("user:42").entries(), [["best", 7], ["verified", true]]);
   * }
   * await Deno.remove(data, { recursive: true });
   * ```
   */
  flag(key: Key): Flag {
    return new Flag(this.#api, keyBytes(key));
  }

  /** A value under a key of which the last writer is shown; nobody is asked yet. */
  register(key: Key): Register {
    return new Register(this.#api, keyBytes(key));
  }

  /** The largest of numbers under a key; nobody is asked yet. */
  max(key: Key): Maximum {
    return new Maximum(this.#api, keyBytes(key));
  }

  /** The smallest of numbers under a key; nobody is asked yet. */
  min(key: Key): Minimum {
    return new Minimum(this.#api, keyBytes(key));
  }

  /** About how many different elements were added under a key (a HyperLogLog); nobody is asked yet. */
  distinct(key: Key): DistinctCount {
    return new DistinctCount(this.#api, keyBytes(key));
  }

  /** Opens a document of Yjs under a key: texts, lists and maps that several people edit at once. */
  document(key: Key): Promise<LiveDocument> {
    return LiveDocument.open(this.#api, keyBytes(key));
  }

  /**
   * The same database for one user of it, who is never shown less of a key than was shown or written through the
   * session before, whichever nodes answer. It costs nothing while copies are equal. A get that meets nobody who
   * has seen enough fails with the code `stale`. Deletes are remembered, changes of expiry are not; nor is a
   * write whose outcome is unknown.
   *
   * ```ts ignore
   * const session = db.session();
   * await session.put("name", "Ada", { w: "one" });
   * await session.get("name", { r: "one" }); // "Ada", or something later
   * ```
   */
  session(options?: SessionOptions): Database {
    return new Database(new SessionApi(this.#api, options));
  }

  /**
   * Walks over all entries, in the order of the ring, not of the keys. What is written meanwhile may be
   * seen or missed; what was there all the time is seen once.
   */
  async *list<T = unknown>(options: ListOptions = {}): AsyncGenerator<ListEntry<T>> {
    const { prefix: prefixKey, limit = Infinity, ...readOptions } = options;
    const prefix = prefixKey === undefined ? undefined : prefixBytes(prefixKey);
    let from: ScanPosition | undefined = { partition: 0 };
    let left = limit;
    while (from !== undefined && left > 0) {
      const wanted = Math.min(LIST_PAGE_COUNT, left);
      const page = await this.#api.scan({ ...readOptions, from, prefix, limit: wanted });
      const keys = Array.isArray(prefixKey)
        ? page.keys.filter((key) => isBelowPrefix(key, prefix!))
        : page.keys;
      const entries = await Promise.all(keys.map(async (bytes) => {
        const key = keyOf(bytes);
        try {
          const found = await this.#api.get(bytes, readOptions);
          return { key, ...entryOf<T>(found, valueAmongOthers) };
        } catch (error) {
          if (!(error instanceof DenamoError)) throw error;
          const message = `Cannot list "${String(key)}": ${messageOf(error)}`;
          throw new DenamoError(error.code, error.outcome, message, error.details);
        }
      }));
      for (const entry of entries) {
        const isThere = entry.siblings.length > 0 || entry.types.length > 0;
        if (!isThere || left-- <= 0) continue;
        yield entry;
      }
      from = page.next;
    }
  }
}

function entryOf<T>(found: ReadResult, decode: (stored: StoredValue) => unknown): Entry<T> {
  const siblings = found.siblings.map((sibling) => decode(sibling) as T);
  return {
    value: siblings[0],
    siblings,
    context: found.context(),
    expiresAtMs: found.expiresAtMs,
    types: found.merged.types,
  };
}
