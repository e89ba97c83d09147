// The databases that clients choose with SELECT: a node as it looks from within each.
//
// Every command asks a node for keys, whatever its database; the view in between turns them into the keys that are
// stored, and back. Within database 0 a key is what it is for HTTP and TypeScript (see base/database_key.ts).

import { DATABASE_COUNT, databaseKeyOf, storedKey, storedPrefix } from "../../base/database_key.ts";
import { EMPTY, startsWithBytes } from "../../base/bytes.ts";
import type {
  DeleteResult,
  DifferencesView,
  EqualityView,
  GetOptions,
  HintsView,
  KeyPlacement,
  Measurement,
  MemberView,
  NestedOperation,
  NodeApi,
  NodeStatus,
  PutOptions,
  ReadResult,
  RepairOptions,
  RepairView,
  RingView,
  ScanOptions,
  ScanPage,
  UpdateResult,
  WriteOptions,
  WriteResult,
} from "../../node/api.ts";
import type { StoredValue } from "../../crdt/value.ts";
import { LIMITS } from "../../wire/limits.ts";

export class Databases {
  /** The node with the keys of all databases as they are stored. */
  readonly all: NodeApi;
  readonly #views: readonly NodeApi[];

  constructor(api: NodeApi) {
    this.all = api;
    this.#views = Array.from({ length: DATABASE_COUNT }, (_, number) => new Database(number, api));
  }

  /** @param number from 0 */
  of(number: number): NodeApi {
    return this.#views[number]!;
  }
}

class Database implements NodeApi {
  readonly #number: number;
  readonly #api: NodeApi;

  constructor(number: number, api: NodeApi) {
    this.#number = number;
    this.#api = api;
  }

  get(key: Uint8Array, options?: GetOptions): Promise<ReadResult> {
    return this.#api.get(storedKey(this.#number, key), options);
  }

  put(key: Uint8Array, value: StoredValue, options?: PutOptions): Promise<WriteResult> {
    return this.#api.put(storedKey(this.#number, key), value, options);
  }

  delete(key: Uint8Array, options?: WriteOptions): Promise<DeleteResult> {
    return this.#api.delete(storedKey(this.#number, key), options);
  }

  update(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    options?: WriteOptions,
  ): Promise<UpdateResult> {
    return this.#api.update(storedKey(this.#number, key), operations, options);
  }

  expire(
    key: Uint8Array,
    expiresAtMs: number | undefined,
    options?: WriteOptions,
  ): Promise<{ existed: boolean; expiredAtMs: number | undefined }> {
    return this.#api.expire(storedKey(this.#number, key), expiresAtMs, options);
  }

  /** A page may hold fewer keys than its limit, or none: those of other databases are left out. */
  async scan(options: ScanOptions): Promise<ScanPage> {
    const wanted = options.prefix ?? EMPTY;
    const prefix = storedPrefix(this.#number, wanted);
    // No key is so long.
    if (prefix.length > LIMITS.key) return { keys: [], next: undefined };
    const page = await this.#api.scan({
      ...options,
      prefix: prefix.length > 0 ? prefix : undefined,
    });
    const keys: Uint8Array[] = [];
    for (const stored of page.keys) {
      const { database, key } = databaseKeyOf(stored);
      if (database === this.#number && startsWithBytes(key, wanted)) keys.push(key);
    }
    return { keys, next: page.next };
  }

  placement(key: Uint8Array): KeyPlacement | undefined {
    return this.#api.placement(storedKey(this.#number, key));
  }

  get namespaces(): NodeApi["namespaces"] {
    return this.#api.namespaces;
  }

  status(): NodeStatus {
    return this.#api.status();
  }

  members(): MemberView[] {
    return this.#api.members();
  }

  ring(): RingView | undefined {
    return this.#api.ring();
  }

  initLayout(members: readonly string[]): Promise<RingView> {
    return this.#api.initLayout(members);
  }

  measurements(): Measurement[] {
    return this.#api.measurements();
  }

  nowMs(): number {
    return this.#api.nowMs();
  }

  hints(): Promise<HintsView[]> {
    return this.#api.hints();
  }

  repair(options?: RepairOptions): Promise<RepairView> {
    return this.#api.repair(options);
  }

  differences(partitions?: readonly number[]): Promise<DifferencesView> {
    return this.#api.differences(partitions);
  }

  equality(): EqualityView[] {
    return this.#api.equality();
  }
}
