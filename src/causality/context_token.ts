// The context as clients carry it: a sealed token, good for one key of one cluster.
//
// A context of another key would discard values that its client never saw, since one actor writes many keys; one
// that somebody made up would discard what it likes, and date all later writes. So a token is sealed with a key that
// only the nodes of the cluster have (seal_key.ts), over what it says and the key of the data that it is good for.
// Clients need not understand it. It is no secret: who has it can read it.
//
// There is a weaker kind, which says only "I have seen at least this" and replaces nothing: a write gets it
// that left siblings which its client was not shown.
//
//   kind 1 | id of the seal key 4 | key hash 8 | context | tag 16
//
// The hash tells a token of another key from one that was made up. Kinds 1 and 2 had a checksum in place of the tag.

import { fromBase64Url, toBase64Url } from "../base/bytes.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { hash64 } from "../base/hash.ts";
import { TAG_BYTES } from "../base/mac.ts";
import { MalformedError } from "../base/malformed.ts";
import { type Context, readContext, writeContext } from "./context.ts";
import type { SealKey } from "./seal_key.ts";

const CONTEXT = 3;
const AT_LEAST = 4;
const UNSEALED_MAX = 2;
const HEAD_BYTES = 13;
const WHERE = "context";
const SEPARATOR = ",";

/** How many characters a token has at most. Whatever is given out is shorter, and every door takes as many. */
export const TOKEN_CHARACTERS_MAX = 8 * 1024;

/** A token as it was sealed, before anybody has looked whether it was. */
interface Parts {
  readonly kind: number;
  readonly sealedBy: number;
  readonly keyHash: bigint;
  readonly body: Uint8Array;
  readonly tag: Uint8Array;
  readonly context: Context;
}

const writer = new ByteWriter(256);
const place = new ByteWriter(64);

/** Makes the token of a context for `key`. Equal contexts are equal tokens. */
export function sealContext(key: Uint8Array, context: Context, seal: SealKey): string {
  return sealed(CONTEXT, key, context, seal);
}

/** The same as a token that a read may carry and a write may not. */
export function sealAtLeast(key: Uint8Array, context: Context, seal: SealKey): string {
  return sealed(AT_LEAST, key, context, seal);
}

/**
 * Reads a token that a write carries.
 *
 * @param find the seal key with an id
 * @throws {MalformedError} if it was not sealed by this cluster, is of another key, or for reads only
 */
export function openContext(
  key: Uint8Array,
  token: string,
  find: (id: number) => SealKey | undefined,
): Context {
  return opened([CONTEXT], key, token, find);
}

/** Reads a token of either kind. @throws {MalformedError} likewise */
export function openAtLeast(
  key: Uint8Array,
  token: string,
  find: (id: number) => SealKey | undefined,
): Context {
  return opened([CONTEXT, AT_LEAST], key, token, find);
}

/**
 * What a token says, whoever has made it: for its owner, who compares it with others of his. Never for a node.
 *
 * @throws {MalformedError} if it is none, or one of another key
 */
export function contextIn(key: Uint8Array, token: string): Context {
  const { context, keyHash } = partsOf(token);
  checkHash(key, keyHash);
  return context;
}

/** Several tokens as one: a read that carries it has to have seen what all of them say. */
export function joinedTokens(tokens: readonly string[]): string {
  return tokens.join(SEPARATOR);
}

/** What was joined by {@linkcode joinedTokens}. */
export function separateTokens(tokens: string): string[] {
  return tokens.split(SEPARATOR);
}

function sealed(kind: number, key: Uint8Array, context: Context, seal: SealKey): string {
  const hash = hash64(key);
  writer.reset();
  writer.byte(kind);
  writer.uint32(seal.id);
  writer.uint32(Number(hash >> 32n));
  writer.uint32(Number(hash & 0xffffffffn));
  writeContext(writer, context);
  writer.raw(seal.mac.tag(placeOf(key), writer.view()));
  return toBase64Url(writer.view());
}

function opened(
  kinds: readonly number[],
  key: Uint8Array,
  token: string,
  find: (id: number) => SealKey | undefined,
): Context {
  const { body, context, keyHash, kind, sealedBy, tag } = partsOf(token);
  const seal = find(sealedBy);
  if (seal === undefined) {
    throw new MalformedError(WHERE, "this cluster has not sealed it: read the key again");
  }
  checkHash(key, keyHash);
  if (!seal.mac.isRight(tag, placeOf(key), body)) {
    throw new MalformedError(WHERE, "it is not as it was given out");
  }
  if (!kinds.includes(kind)) {
    throw new MalformedError(WHERE, "a read may carry it, and a write may not");
  }
  return context;
}

function partsOf(token: string): Parts {
  if (token.length > TOKEN_CHARACTERS_MAX) {
    throw new MalformedError(WHERE, `it has ${token.length} characters, ${LIMIT}`);
  }
  const bytes = fromBase64Url(token);
  if (bytes === undefined || bytes.length < HEAD_BYTES + TAG_BYTES) {
    throw new MalformedError(WHERE, "it is not a token that was given out");
  }
  const body = bytes.subarray(0, bytes.length - TAG_BYTES);
  const reader = new ByteReader(body, WHERE);
  const kind = reader.byte();
  if (kind > 0 && kind <= UNSEALED_MAX) {
    throw reader.malformed("it was given out before contexts were sealed: read the key again");
  }
  if (kind !== CONTEXT && kind !== AT_LEAST) throw reader.malformed("its kind is unknown");
  const sealedBy = reader.uint32();
  const keyHash = (BigInt(reader.uint32()) << 32n) + BigInt(reader.uint32());
  const context = readContext(reader);
  reader.end();
  return { kind, sealedBy, keyHash, body, tag: bytes.subarray(body.length), context };
}

const LIMIT = `limit ${TOKEN_CHARACTERS_MAX}`;

function checkHash(key: Uint8Array, hash: bigint): void {
  if (hash !== hash64(key)) throw new MalformedError(WHERE, "it belongs to another key");
}

/** The key of the data as it is sealed: with its length, so that nothing of it can pass for the token's own. */
function placeOf(key: Uint8Array): Uint8Array {
  place.reset();
  place.bytes(key);
  return place.view();
}
