// The keys with which a cluster seals the contexts that it gives out, and what one node knows of them.
//
//   keys := version (1) | count | (maker | secret 32) ...     sorted by id
//
// A cluster has one key: the maker of its first layout makes it, and hands it out with the layout. There may be
// more for a while: two halves of a cluster that was older than seals have each made one, or, later, one key takes the
// place of another. All that are known open tokens; the one with the lowest id seals, so that nodes which know the
// same seal the same.
//
// A key is never given up for another, and of each maker one is taken. So whatever a peer sends, the good keys
// stay, and it takes as many broken members to fill the few places. Its id is a hash of the secret: nobody can put
// another secret in the place of one.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { Mac, strongHash } from "../base/mac.ts";
import { uint32At } from "../base/bytes.ts";

/** How many keys a node knows at most. */
export const SEAL_KEYS_MAX = 8;

/** How long a secret is, in bytes. */
export const SECRET_BYTES = 32;

/** The longest name of a maker, in characters. */
const MAKER_MAX = 64;

const VERSION = 1;

export class SealKey {
  /** An unsigned 32-bit number. */
  readonly id: number;
  readonly mac: Mac;

  constructor(
    /** The node that has made it. */
    readonly maker: string,
    readonly secret: Uint8Array,
  ) {
    this.id = uint32At(strongHash(secret), 0);
    this.mac = new Mac(secret);
  }
}

/** Keys that a node knows. It never changes. */
export class SealKeys {
  static readonly none = new SealKeys([]);
  /** Sorted by id. */
  readonly list: readonly SealKey[];

  private constructor(list: readonly SealKey[]) {
    this.list = list;
  }

  static of(key: SealKey): SealKeys {
    return new SealKeys([key]);
  }

  /** The one that seals; undefined if none is known. */
  get sealing(): SealKey | undefined {
    return this.list[0];
  }

  /** What nodes that know the same tell alike; undefined if there is none. */
  get digest(): string | undefined {
    if (this.list.length === 0) return undefined;
    return this.list.map(({ id }) => id.toString(16).padStart(8, "0")).join("");
  }

  find(id: number): SealKey | undefined {
    return this.list.find((key) => key.id === id);
  }

  /** With those of `others` for which there is place; itself if there is none. */
  with(others: SealKeys): SealKeys {
    const list = [...this.list];
    for (const key of others.list) {
      const isKnown = list.some(({ id, maker }) => id === key.id || maker === key.maker);
      if (!isKnown && list.length < SEAL_KEYS_MAX) list.push(key);
    }
    return list.length === this.list.length ? this : new SealKeys(sorted(list));
  }

  encoded(): Uint8Array<ArrayBuffer> {
    const writer = new ByteWriter(64);
    writer.byte(VERSION);
    writer.integer(this.list.length);
    for (const { maker, secret } of this.list) {
      writer.text(maker);
      writer.raw(secret);
    }
    return writer.finish();
  }

  /** @throws {MalformedError} for what {@linkcode SealKeys.encoded} cannot have written */
  static decode(bytes: Uint8Array): SealKeys {
    const reader = new ByteReader(bytes, "seal keys");
    const version = reader.byte();
    if (version !== VERSION) {
      throw reader.malformed(`version ${version} is unknown, this is ${VERSION}`);
    }
    const count = reader.integer();
    if (count > SEAL_KEYS_MAX) throw reader.malformed(`there are ${count} keys`);
    const list: SealKey[] = [];
    for (let i = 0; i < count; i++) {
      const maker = reader.text();
      if (maker.length === 0 || maker.length > MAKER_MAX) {
        throw reader.malformed("the name of a maker has no such length");
      }
      const key = new SealKey(maker, reader.raw(SECRET_BYTES).slice());
      const previous = list[list.length - 1];
      if (previous !== undefined && previous.id >= key.id) {
        throw reader.malformed("keys are out of order");
      }
      if (list.some((other) => other.maker === maker)) {
        throw reader.malformed("a maker has two keys");
      }
      list.push(key);
    }
    reader.end();
    return list.length === 0 ? SealKeys.none : new SealKeys(list);
  }
}

function sorted(list: SealKey[]): SealKey[] {
  return list.sort((a, b) => a.id - b.id);
}
