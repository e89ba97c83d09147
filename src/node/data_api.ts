// What clients ask of the data, as the coordinator and the scans take it.

import type { Coordinator } from "../coordinator/coordinator.ts";
import { ReadAnswer } from "../coordinator/results.ts";
import type { Scans } from "../coordinator/scans.ts";
import { DataObject } from "../crdt/data_object.ts";
import type { NestedOperation } from "../crdt/map.ts";
import type { StoredValue } from "../crdt/value.ts";
import type { Clock } from "../ports/clock.ts";
import type { Namespaces } from "../replica/namespaces.ts";
import type {
  DeleteResult,
  GetOptions,
  KeyValueApi,
  PutOptions,
  ReadResult,
  ScanOptions,
  ScanPage,
  UpdateResult,
  WriteOptions,
  WriteResult,
} from "./api.ts";
import { checkTime, timeoutOf } from "./request_times.ts";

export class DataApi implements KeyValueApi {
  readonly #coordinator: Coordinator;
  readonly #scans: Scans;
  readonly #namespaces: Namespaces;
  readonly #clock: Clock;

  constructor(coordinator: Coordinator, scans: Scans, namespaces: Namespaces, clock: Clock) {
    this.#coordinator = coordinator;
    this.#scans = scans;
    this.#namespaces = namespaces;
    this.#clock = clock;
  }

  async get(key: Uint8Array, options: GetOptions = {}): Promise<ReadResult> {
    const { atLeast, r: level, strict } = options;
    const request = { op: "get", key, level, strict, atLeast } as const;
    const { object } = await this.#coordinator.execute(request, timeoutOf(options));
    return new ReadAnswer(key, object ?? DataObject.empty, this.#clock.now());
  }

  put(key: Uint8Array, value: StoredValue, options: PutOptions = {}): Promise<WriteResult> {
    const { w: level, strict, context, expiresAtMs, keepExpiry = false } = options;
    if (expiresAtMs !== undefined) checkTime(expiresAtMs);
    return this.#coordinator.execute(
      { op: "put", key, value, level, strict, context, expiresAtMs, keepExpiry },
      timeoutOf(options),
    );
  }

  delete(key: Uint8Array, options: WriteOptions = {}): Promise<DeleteResult> {
    const { w: level, strict, context } = options;
    const request = { op: "delete", key, level, strict, context } as const;
    return this.#coordinator.execute(request, timeoutOf(options));
  }

  update(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    options: WriteOptions = {},
  ): Promise<UpdateResult> {
    const { w: level, strict, context } = options;
    const request = { op: "update", key, level, strict, context, operations } as const;
    return this.#coordinator.execute(request, timeoutOf(options));
  }

  async expire(
    key: Uint8Array,
    expiresAtMs: number | undefined,
    options: WriteOptions = {},
  ): Promise<{ existed: boolean; expiredAtMs: number | undefined }> {
    if (expiresAtMs !== undefined) checkTime(expiresAtMs);
    const { w: level, strict } = options;
    const request = { op: "expire", key, level, strict, expiresAtMs } as const;
    const answer = await this.#coordinator.execute(request, timeoutOf(options));
    return { existed: answer.existed, expiredAtMs: answer.expiresAtMs };
  }

  scan(options: ScanOptions): Promise<ScanPage> {
    const { from, prefix, limit, wholePartitions = false, r } = options;
    const timeoutMs = timeoutOf(options) ??
      this.#namespaces.of(prefix ?? new Uint8Array(0)).timeoutMs;
    return this.#scans.scan({ from, prefix, limit, wholePartitions, r, timeoutMs });
  }
}
