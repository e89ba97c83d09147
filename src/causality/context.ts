// What a client has seen of a key: the context of a read, and of a write that covers all it leaves.
//
// It is the version vector of the object. An object that many actors have written may have a vector that fits into no
// header of HTTP. Then the context has the entries with the latest times, as many as fit, and a hash of the whole:
//
//   - a write with it is carried out only while the object has exactly this vector; else it must be read again. So it
//     replaces what its client saw and nothing else, like every write with a context.
//   - a read that must be at least as late has to have seen these entries. Those that are left out are of actors
//     that have been silent for longest.
//
//   context := 0 | count | (actor | time) ...               the whole vector, sorted by actor
//            | 1 | hash 16 | count | (actor | time) ...     the latest entries of a longer one

import { compareBytes } from "../base/bytes.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { strongHash, TAG_BYTES } from "../base/mac.ts";
import { type ActorId, type HybridTime, isTooLong, MAX_TIME } from "./dot.ts";
import type { VersionVector } from "./version_vector.ts";

export interface Context {
  /** What has been seen: all of it, or its latest entries if there is a hash. */
  readonly vector: VersionVector;
  /** The hash of the whole vector where it is too long. */
  readonly hash: Uint8Array | undefined;
}

/** How many bytes a context has at most: as base64 with what seals it, it is a token of 8 KiB. */
export const CONTEXT_BYTES_MAX = 6 * 1024 - 32;

const WHOLE = 0;
const CUT = 1;

/** The context of a client that has seen all that `vector` says. */
export function contextOf(vector: VersionVector): Context {
  const whole = { vector, hash: undefined };
  // Names are short and times have at most eight bytes, so few vectors have to be measured.
  const isSmall = vector.size * 105 < CONTEXT_BYTES_MAX;
  if (isSmall || encodeContext(whole).length <= CONTEXT_BYTES_MAX) return whole;
  const latest = [...vector].sort(([a, timeA], [b, timeB]) => timeB - timeA || (a < b ? -1 : 1));
  const entries = new Map<ActorId, HybridTime>();
  const writer = new ByteWriter(CONTEXT_BYTES_MAX);
  for (const [actor, time] of latest) {
    writeEntry(writer, actor, time);
    // The kind, the hash and the count come before them.
    if (writer.length > CONTEXT_BYTES_MAX - 1 - TAG_BYTES - 3) break;
    entries.set(actor, time);
  }
  return { vector: entries, hash: hashOf(vector) };
}

/** Whether a context is that of exactly this vector. */
export function isContextOf({ hash }: Context, vector: VersionVector): boolean {
  return hash !== undefined && compareBytes(hash, hashOf(vector)) === 0;
}

/** Equal contexts have equal bytes. */
export function encodeContext({ hash, vector }: Context): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(256);
  writeContext(writer, { hash, vector });
  return writer.finish();
}

export function writeContext(writer: ByteWriter, { hash, vector }: Context): void {
  writer.byte(hash === undefined ? WHOLE : CUT);
  if (hash !== undefined) writer.raw(hash);
  writer.integer(vector.size);
  for (const actor of [...vector.keys()].sort()) writeEntry(writer, actor, vector.get(actor)!);
}

/** @throws {MalformedError} for what {@linkcode encodeContext} cannot have written */
export function decodeContext(bytes: Uint8Array): Context {
  const reader = new ByteReader(bytes, "context");
  const context = readContext(reader);
  reader.end();
  return context;
}

export function readContext(reader: ByteReader): Context {
  const kind = reader.byte();
  if (kind > CUT) throw reader.malformed(`its kind ${kind} is unknown`);
  const hash = kind === CUT ? reader.raw(TAG_BYTES).slice() : undefined;
  const vector = new Map<ActorId, HybridTime>();
  let previous: ActorId | undefined;
  for (let count = reader.integer(); count > 0; count--) {
    const actor = reader.text();
    const time = reader.integer();
    if (isTooLong(actor)) throw reader.malformed("an actor is too long");
    if (time > MAX_TIME) throw reader.malformed("a time is too large");
    if (previous !== undefined && actor <= previous) {
      throw reader.malformed("actors are out of order");
    }
    previous = actor;
    vector.set(actor, time);
  }
  return { vector, hash };
}

function writeEntry(writer: ByteWriter, actor: ActorId, time: HybridTime): void {
  writer.text(actor);
  writer.integer(time);
}

function hashOf(vector: VersionVector): Uint8Array<ArrayBuffer> {
  return strongHash(encodeContext({ vector, hash: undefined }));
}
