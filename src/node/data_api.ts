// What clients ask of the data, as the coordinator and the scans take it.

import type { Coordinator } from "../coordinator/coordinator.ts";
import type { Context } from "../causality/context.ts";
import { ReadAnswer } from "../coordinator/results.ts";
import type { Scans } from "../coordinator/scans.ts";
import { DataObject } from "../crdt/data_object.ts";
import type { NestedOperation } from "../crdt/map.ts";
import type { StoredValue } from "../crdt/value.ts";
import type { ClientAnswer } from "../coordinator/requests.ts";
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
import type { Tokens } from "./tokens.ts";

export class DataApi implements KeyValueApi {
  readonly #coordinator: Coordinator;
  readonly #scans: Scans;
  readonly #namespaces: Namespaces;
  readonly #clock: Clock;
  readonly #tokens: Tokens;

  constructor(
    coordinator: Coordinator,
    scans: Scans,
    namespaces: Namespaces,
    clock: Clock,
    tokens: Tokens,
  ) {
    this.#coordinator = coordinator;
    this.#scans = scans;
    this.#namespaces = namespaces;
    this.#clock = clock;
    this.#tokens = tokens;
  }

  async get(key: Uint8Array, options: GetOptions = {}): Promise<ReadResult> {
    const { r: level, strict } = options;
    const atLeast = this.#tokens.atLeast(key, options.atLeast);
    const request = { op: "get", key, level, strict, atLeast } as const;
    const { object } = await this.#coordinator.execute(request, timeoutOf(options));
    const seal = (context: Context) => this.#tokens.ofContext(key, context);
    return new ReadAnswer(object ?? DataObject.empty, this.#clock.now(), seal);
  }

  async put(key: Uint8Array, value: StoredValue, options: PutOptions = {}): Promise<WriteResult> {
    const { w: level, strict, expiresAtMs, keepExpiry = false } = options;
    if (expiresAtMs !== undefined) checkTime(expiresAtMs);
    const context = this.#tokens.context(key, options.context);
    const answer = await this.#coordinator.execute(
      { op: "put", key, value, level, strict, context, expiresAtMs, keepExpiry },
      timeoutOf(options),
    );
    return this.#written(key, answer);
  }

  async delete(key: Uint8Array, options: WriteOptions = {}): Promise<DeleteResult> {
    const { w: level, strict } = options;
    const context = this.#tokens.context(key, options.context);
    const request = { op: "delete", key, level, strict, context } as const;
    return this.#written(key, await this.#coordinator.execute(request, timeoutOf(options)));
  }

  async update(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    options: WriteOptions = {},
  ): Promise<UpdateResult> {
    const { w: level, strict } = options;
    const context = this.#tokens.context(key, options.context);
    const request = { op: "update", key, level, strict, context, operations } as const;
    return this.#written(key, await this.#coordinator.execute(request, timeoutOf(options)));
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

  #written(key: Uint8Array, { existed, isShown, results, seen, siblings }: ClientAnswer) {
    return { siblings, existed, results, ...this.#tokens.ofWrite(key, { isShown, seen }) };
  }

  scan(options: ScanOptions): Promise<ScanPage> {
    const { from, prefix, limit, wholePartitions = false, r } = options;
    const timeoutMs = timeoutOf(options) ??
      this.#namespaces.of(prefix ?? new Uint8Array(0)).timeoutMs;
    return this.#scans.scan({ from, prefix, limit, wholePartitions, r, timeoutMs });
  }
}
