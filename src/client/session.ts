// A session: a program is never shown less than it was shown, or wrote, before.
//
// Each request may be carried out by another node, and with R + W <= N, or while nodes stand in for others, a
// read may meet copies that are older than what the program knows. So a session remembers, per key, up to
// where it has seen, and its reads ask for at least that: read your writes, and reads that never go back.
//
// It compares the tokens that nodes have given it and makes none: what it says to a node is what nodes have said.
//
// What it remembers is bounded: the key that was used longest ago is forgotten first, and of a forgotten
// key nothing is promised any more.
//
// Source: Terry et al., "Session Guarantees for Weakly Consistent Replicated Data" (1994).

import { binaryString } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import { contextIn, joinedTokens, separateTokens } from "../causality/context_token.ts";
import { covers, type VersionVector } from "../causality/version_vector.ts";
import type { StoredValue } from "../crdt/value.ts";
import type {
  DeleteResult,
  GetOptions,
  KeyValueApi,
  NestedOperation,
  PutOptions,
  ReadResult,
  ScanOptions,
  ScanPage,
  UpdateResult,
  WriteOptions,
  WriteResult,
} from "../node/api.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";

/** How much a session remembers. */
export interface SessionOptions {
  /** How many keys it remembers at most, 10,000 unless given. */
  readonly keyCount?: number | undefined;
}

const KEY_COUNT = 10_000;

/** How many tokens of one key are remembered: after so many a read makes one of them. */
const TOKEN_COUNT = LIMITS.contextsOfReadCount - 1;

interface Seen {
  readonly vector: VersionVector;
  readonly token: string;
}

/** Per key the tokens of all that was seen of it. Only nodes can make one of two, so there may be several. */
export class SessionMemory {
  readonly #keyCount: number;
  /** The key that was used last comes last. None of its tokens covers another. */
  readonly #seen = new Map<string, readonly Seen[]>();

  /** @throws {RangeError} if not even one key is to be remembered */
  constructor({ keyCount = KEY_COUNT }: SessionOptions = {}) {
    if (!Number.isInteger(keyCount) || keyCount < 1) {
      throw new RangeError(`A session remembers a whole number of keys from 1, not ${keyCount}`);
    }
    this.#keyCount = keyCount;
  }

  /**
   * What a read of the key has to ask for; undefined if nothing is remembered.
   *
   * @param given what its caller wants covered as well
   * @throws {MalformedError} if that is none of this key
   */
  tokenOf(key: Uint8Array, given?: string): string | undefined {
    const name = binaryString(key);
    const seen = this.#seen.get(name);
    if (seen !== undefined) this.#keep(name, seen);
    let all = seen ?? [];
    for (const token of given === undefined ? [] : separateTokens(given)) {
      all = withToken(all, seenIn(key, token));
    }
    return all.length === 0 ? undefined : joinedTokens(all.map(({ token }) => token));
  }

  /**
   * Remembers what a token covers besides what was seen before.
   *
   * @param asked what a read has asked for that was answered with this token, which covers all of it
   * @throws {MalformedError}
   */
  learn(key: Uint8Array, token: string, asked?: string): void {
    const name = binaryString(key);
    const answered = asked === undefined ? [] : separateTokens(asked);
    const before = (this.#seen.get(name) ?? []).filter((it) => !answered.includes(it.token));
    this.#keep(name, withToken(before, seenIn(key, token)).slice(-TOKEN_COUNT));
    if (this.#seen.size > this.#keyCount) this.#seen.delete(this.#seen.keys().next().value!);
  }

  /** Whether a further token might push one out that is remembered. */
  isFull(key: Uint8Array): boolean {
    return (this.#seen.get(binaryString(key))?.length ?? 0) >= TOKEN_COUNT;
  }

  #keep(name: string, seen: readonly Seen[]): void {
    this.#seen.delete(name);
    this.#seen.set(name, seen);
  }
}

function seenIn(key: Uint8Array, token: string): Seen {
  return { vector: contextIn(key, token).vector, token };
}

/** With one more, without those that others cover. */
function withToken(all: readonly Seen[], one: Seen): readonly Seen[] {
  if (all.some(({ vector }) => covers(vector, one.vector))) return all;
  return [...all.filter(({ vector }) => !covers(one.vector, vector)), one];
}

/** The interface of a node, with reads that never fall behind what it has shown before. */
export class SessionApi implements KeyValueApi {
  readonly #api: KeyValueApi;
  readonly #memory: SessionMemory;

  constructor(api: KeyValueApi, options?: SessionOptions) {
    this.#api = api;
    this.#memory = new SessionMemory(options);
  }

  /** @throws {DenamoError} `stale` if nobody who can be asked in time has seen enough */
  async get(key: Uint8Array, options: GetOptions = {}): Promise<ReadResult> {
    const atLeast = this.#tokenOf(key, options);
    const result = await this.#api.get(key, { ...options, atLeast });
    this.#memory.learn(key, result.context(), atLeast);
    return result;
  }

  async put(key: Uint8Array, value: StoredValue, options?: PutOptions): Promise<WriteResult> {
    await this.#makeRoom(key);
    return this.#written(key, await this.#api.put(key, value, options));
  }

  async delete(key: Uint8Array, options?: WriteOptions): Promise<DeleteResult> {
    await this.#makeRoom(key);
    return this.#written(key, await this.#api.delete(key, options));
  }

  async update(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    options?: WriteOptions,
  ): Promise<UpdateResult> {
    await this.#makeRoom(key);
    return this.#written(key, await this.#api.update(key, operations, options));
  }

  /** A change of when a value ends gives no token, and is not remembered. */
  expire(
    key: Uint8Array,
    expiresAtMs: number | undefined,
    options?: WriteOptions,
  ): Promise<{ existed: boolean; expiredAtMs: number | undefined }> {
    return this.#api.expire(key, expiresAtMs, options);
  }

  scan(options: ScanOptions): Promise<ScanPage> {
    return this.#api.scan(options);
  }

  /** A read makes one token of many. */
  async #makeRoom(key: Uint8Array): Promise<void> {
    if (this.#memory.isFull(key)) await this.get(key);
  }

  #tokenOf(key: Uint8Array, { atLeast }: GetOptions): string | undefined {
    try {
      return this.#memory.tokenOf(key, atLeast);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new DenamoError("bad_context", "no", error.message);
    }
  }

  #written<R extends { atLeast(): string | undefined }>(key: Uint8Array, result: R): R {
    const token = result.atLeast();
    if (token !== undefined) this.#memory.learn(key, token);
    return result;
  }
}
