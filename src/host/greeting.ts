// What two peers say to each other before anything else: the first frames of the request lane.
//
//   smaller peer id (decides)                    larger peer id
//                          <-- hello --
//          -- hello, or refusal -->
//                          <-- accept, or refusal --
//
// The one with the larger id speaks first, on every connection that the two have; the other chooses one of
// the connections and answers on that one only. So both use the same one, whoever dialled, and
// nobody has to guess what the other side has seen.
//
//   hello:   1 | text "denamo" | version | text cluster | text instance | started | number | holds | bytes
//   accept:  2
//   refusal: 4 | text code | text message | count | count × (text name | 0, number or 1, text) | [hello] | …
//
// A hello of another version may differ after its version; a refusal never changes but by what is appended. The
// side that decides has not said hello when it refuses, so its hello is part of the refusal: the other
// side learns who refuses it. Kind 3 is the refusal of version 1, a sentence alone.

import { assert } from "../base/assert.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { type Refusal, REFUSAL_LIMITS } from "../ports/network.ts";

/** Raised when peers of two versions could misunderstand each other. */
export const NETWORK_VERSION = 2;

/** The longest of these frames, in bytes. */
export const GREETING_LIMIT_BYTES = 64 * 1024;

const MAGIC = "denamo";
const HELLO = 1;
const ACCEPT = 2;
const REFUSAL_OF_VERSION_1 = 3;
const REFUSAL = 4;
const NUMBER = 0;
const TEXT = 1;

/** A peer's first words. */
export interface Hello {
  readonly kind: "hello";
  readonly cluster: string;
  /** Drawn at every start: tells a peer that has come back from one that never was away. */
  readonly instance: string;
  /** The wall clock of the peer when it started, in milliseconds since 1970. */
  readonly startedMs: number;
  /** Counts the hellos of this instance, from 1. */
  readonly number: number;
  /** The number of the oldest hello whose connection to the same peer this instance holds open, else 0. */
  readonly holds: number;
  /** What the node says of itself. */
  readonly greeting: Uint8Array;
}

interface OtherVersion {
  readonly kind: "other_version";
  readonly version: number;
}

/** Everything that may come before the first message. */
export type GreetingFrame =
  | Hello
  | OtherVersion
  | { readonly kind: "accept" }
  | RefusalFrame;

/** Why a peer refuses us; its hello is there if it has not said it before and is of our cluster. */
export interface RefusalFrame {
  readonly kind: "refusal";
  readonly refusal: Refusal;
  readonly hello: Hello | undefined;
}

export function encodeHello(hello: Omit<Hello, "kind">): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.byte(HELLO);
  writer.text(MAGIC);
  writer.integer(NETWORK_VERSION);
  writer.text(hello.cluster);
  writer.text(hello.instance);
  writer.integer(hello.startedMs);
  writer.integer(hello.number);
  writer.integer(hello.holds);
  writer.bytes(hello.greeting);
  return writer.finish();
}

export function encodeAccept(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(ACCEPT);
}

/** @param hello our own, if the peer has not seen it and may */
export function encodeRefusal(
  refusal: Refusal,
  hello?: Omit<Hello, "kind">,
): Uint8Array<ArrayBuffer> {
  const details = Object.entries(refusal.details);
  assert(isCode(refusal.code), "a refusal has a code");
  assert(details.length <= REFUSAL_LIMITS.detailCount, "a refusal has few details");
  const writer = new ByteWriter();
  writer.byte(REFUSAL);
  writer.text(refusal.code);
  writer.text(shortened(refusal.message, REFUSAL_LIMITS.message));
  writer.integer(details.length);
  for (const [name, value] of details) {
    writer.text(name);
    writer.byte(typeof value === "number" ? NUMBER : TEXT);
    if (typeof value === "number") writer.integer(value);
    else writer.text(shortened(value, REFUSAL_LIMITS.detailText));
  }
  if (hello !== undefined) writer.raw(encodeHello(hello));
  return writer.finish();
}

/** @throws {MalformedError} for bytes that no version has written */
export function decodeGreetingFrame(bytes: Uint8Array): GreetingFrame {
  const reader = new ByteReader(bytes, "greeting");
  const kind = reader.byte();
  if (kind === ACCEPT) {
    reader.end();
    return { kind: "accept" };
  }
  if (kind === REFUSAL) return readRefusal(reader);
  if (kind === REFUSAL_OF_VERSION_1) {
    const message = shortened(reader.text(), REFUSAL_LIMITS.message);
    reader.end();
    return {
      kind: "refusal",
      refusal: { code: "unknown", message, details: {} },
      hello: undefined,
    };
  }
  if (kind !== HELLO) throw reader.malformed(`there is no kind ${kind}`);
  const hello = readHello(reader);
  if (hello.kind === "hello") reader.end();
  return hello;
}

function readHello(reader: ByteReader): Hello | OtherVersion {
  if (reader.text() !== MAGIC) throw reader.malformed("it is not Denamo's");
  const version = reader.integer();
  if (version !== NETWORK_VERSION) return { kind: "other_version", version };
  const hello: Hello = {
    kind: "hello",
    cluster: reader.text(),
    instance: reader.text(),
    startedMs: reader.integer(),
    number: reader.integer(),
    holds: reader.integer(),
    greeting: reader.bytes(),
  };
  return hello;
}

/** Tells the later of two processes with one identity of the earlier, which is connected from `address`. */
export function identityInUse({ instance, startedMs }: Run, address: string): Refusal {
  return {
    code: "identity_in_use",
    message: `Another process with the identity of this node lives at ${address}, instance ` +
      `${instance}, and has started earlier: was its data directory copied?`,
    details: { address, instance, startedMs },
  };
}

/** What the deciding peer does with a connection on which a hello has come. */
export type Choice = "use" | "replace" | "drop";

/** One run of a process with an identity. */
export type Run = Pick<Hello, "instance" | "startedMs">;

/** Whether of two processes with one identity this one has begun before the other. */
export function isEarlier(one: Run, other: Run): boolean {
  return one.startedMs < other.startedMs ||
    (one.startedMs === other.startedMs && one.instance < other.instance);
}

/**
 * Chooses between the connection in use, whose hello was `current`, and another one with a later-arriving
 * hello `next`. A peer that has lost the connection in use gets the other one, and so does one that has restarted:
 * whether it has, and is not a second process with the same identity, is found out before (identity_watch.ts).
 * Otherwise what is in use stays, so that two peers that dial each other at once do not tear down
 * what works already.
 */
export function choose(current: Hello | undefined, next: Hello): Choice {
  if (current === undefined) return "use";
  if (current.instance !== next.instance) return "replace";
  if (next.number < current.number) return "drop";
  return next.holds === current.number ? "drop" : "replace";
}

/** What a later version appends is passed over, as a hello of another version is. */
function readRefusal(reader: ByteReader): RefusalFrame {
  const code = reader.text();
  if (!isCode(code)) throw reader.malformed("its code is none");
  const message = shortened(reader.text(), REFUSAL_LIMITS.message);
  const count = reader.integer();
  if (count > REFUSAL_LIMITS.detailCount) throw reader.malformed(`it has ${count} details`);
  const details: [string, number | string][] = [];
  for (let i = 0; i < count; i++) {
    const name = reader.text();
    if (name.length > REFUSAL_LIMITS.detailName) throw reader.malformed("a detail's name is long");
    const type = reader.byte();
    if (type > TEXT) throw reader.malformed("a detail has no type");
    details.push([
      name,
      type === NUMBER ? reader.integer() : shortened(reader.text(), REFUSAL_LIMITS.detailText),
    ]);
  }
  const refusal = { code, message, details: Object.fromEntries(details) };
  if (reader.peek() !== HELLO) return { kind: "refusal", refusal, hello: undefined };
  reader.byte();
  const hello = readHello(reader);
  return { kind: "refusal", refusal, hello: hello.kind === "hello" ? hello : undefined };
}

function isCode(code: string): boolean {
  return code.length <= REFUSAL_LIMITS.code && /^[a-z][a-z0-9_]*$/.test(code);
}

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}...`;
}
