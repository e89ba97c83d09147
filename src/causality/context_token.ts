// The context as clients carry it: an opaque token, good for one key.
//
// A context of another key would discard values that its client never saw, since one actor writes many
// keys. So a token names its key by a hash, and is refused everywhere else. A checksum tells a torn or
// mistyped token from a true one; it is no defence against forgery.
//
// There is a weaker kind, which says only "I have seen at least this" and replaces nothing: a write gets it
// that left siblings which its client was not shown.
//
//   kind 1 | key hash 8 | count | (actor, time) ... | checksum 4

import { fromBase64Url, toBase64Url, uint32At } from "../base/bytes.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { hash32, hash64 } from "../base/hash.ts";
import { MalformedError } from "../base/malformed.ts";
import { type ActorId, type HybridTime, MAX_ACTOR_BYTES, MAX_TIME } from "./dot.ts";
import type { VersionVector } from "./version_vector.ts";

const CONTEXT = 1;
const AT_LEAST = 2;
const WHERE = "context";

const writer = new ByteWriter(256);

/** Makes the token of `vector` for `key`. Actors are sorted, so equal contexts are equal tokens. */
export function encodeContext(key: Uint8Array, vector: VersionVector): string {
  return encode(CONTEXT, key, vector);
}

/** The same as a token that a read may carry and a write may not. */
export function encodeAtLeast(key: Uint8Array, vector: VersionVector): string {
  return encode(AT_LEAST, key, vector);
}

function encode(kind: number, key: Uint8Array, vector: VersionVector): string {
  const hash = hash64(key);
  writer.reset();
  writer.byte(kind);
  writer.uint32(Number(hash >> 32n));
  writer.uint32(Number(hash & 0xffffffffn));
  writer.integer(vector.size);
  for (const actor of [...vector.keys()].sort()) {
    writer.text(actor);
    writer.integer(vector.get(actor)!);
  }
  writer.uint32(hash32(writer.view()));
  return toBase64Url(writer.view());
}

/** Reads a token. @throws {MalformedError} if it is none, one of another key, or one for reads only */
export function decodeContext(key: Uint8Array, token: string): VersionVector {
  return decode([CONTEXT], key, token);
}

/** Reads a token of either kind. @throws {MalformedError} if it is none, or one of another key */
export function decodeAtLeast(key: Uint8Array, token: string): VersionVector {
  return decode([CONTEXT, AT_LEAST], key, token);
}

function decode(kinds: readonly number[], key: Uint8Array, token: string): VersionVector {
  const bytes = fromBase64Url(token);
  if (bytes === undefined || bytes.length < 14) {
    throw new MalformedError(WHERE, "it is not a token that was given out");
  }
  const body = bytes.subarray(0, bytes.length - 4);
  const checksum = uint32At(bytes, body.length);
  const reader = new ByteReader(body, WHERE);
  const kind = reader.byte();
  if (kind !== CONTEXT && kind !== AT_LEAST) throw reader.malformed("its version is unknown");
  if (checksum !== hash32(body)) throw reader.malformed("its checksum is wrong");
  if (!kinds.includes(kind)) throw reader.malformed("a read may carry it, and a write may not");
  const hash = hash64(key);
  const high = reader.uint32();
  const low = reader.uint32();
  if (high !== Number(hash >> 32n) || low !== Number(hash & 0xffffffffn)) {
    throw reader.malformed("it belongs to another key");
  }
  const vector = new Map<ActorId, HybridTime>();
  const count = reader.integer();
  for (let i = 0; i < count; i++) {
    const actor = reader.text();
    const time = reader.integer();
    if (actor.length > MAX_ACTOR_BYTES) throw reader.malformed("an actor is too long");
    if (time > MAX_TIME) throw reader.malformed("a time is too large");
    vector.set(actor, time);
  }
  reader.end();
  if (vector.size !== count) throw reader.malformed("an actor is named twice");
  return vector;
}
