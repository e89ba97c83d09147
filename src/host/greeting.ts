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
//   hello:   1 | text "denamo" | version | text cluster | text instance | number | holds | bytes
//   accept:  2
//   refusal: 3 | text reason
//
// A hello of another version may differ after its version; a refusal never changes.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";

/** Raised when peers of two versions could misunderstand each other. */
export const NETWORK_VERSION = 1;

/** The longest of these frames, in bytes. */
export const GREETING_LIMIT_BYTES = 64 * 1024;

const MAGIC = "denamo";
const HELLO = 1;
const ACCEPT = 2;
const REFUSAL = 3;
const REASON_LENGTH_MAX = 500;

/** A peer's first words. */
export interface Hello {
  readonly kind: "hello";
  readonly cluster: string;
  /** Drawn at every start: tells a peer that has come back from one that never was away. */
  readonly instance: string;
  /** Counts the hellos of this instance, from 1. */
  readonly number: number;
  /** The number of the oldest hello whose connection to the same peer this instance holds open, else 0. */
  readonly holds: number;
  /** What the node says of itself. */
  readonly greeting: Uint8Array;
}

/** Everything that may come before the first message. */
export type GreetingFrame =
  | Hello
  | { readonly kind: "other_version"; readonly version: number }
  | { readonly kind: "accept" }
  | { readonly kind: "refusal"; readonly reason: string };

export function encodeHello(hello: Omit<Hello, "kind">): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.byte(HELLO);
  writer.text(MAGIC);
  writer.integer(NETWORK_VERSION);
  writer.text(hello.cluster);
  writer.text(hello.instance);
  writer.integer(hello.number);
  writer.integer(hello.holds);
  writer.bytes(hello.greeting);
  return writer.finish();
}

export function encodeAccept(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(ACCEPT);
}

export function encodeRefusal(reason: string): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.byte(REFUSAL);
  writer.text(shortened(reason));
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
  if (kind === REFUSAL) {
    const reason = shortened(reader.text());
    reader.end();
    return { kind: "refusal", reason };
  }
  if (kind !== HELLO) throw reader.malformed(`there is no kind ${kind}`);
  if (reader.text() !== MAGIC) throw reader.malformed("it is not Denamo's");
  const version = reader.integer();
  if (version !== NETWORK_VERSION) return { kind: "other_version", version };
  const hello: Hello = {
    kind: "hello",
    cluster: reader.text(),
    instance: reader.text(),
    number: reader.integer(),
    holds: reader.integer(),
    greeting: reader.bytes(),
  };
  reader.end();
  return hello;
}

/** What the deciding peer does with a connection on which a hello has come. */
export type Choice = "use" | "replace" | "drop";

/**
 * Chooses between the connection in use, whose hello was `current`, and another one with a later-arriving
 * hello `next`. A peer that has restarted, or has lost the connection in use, gets the other one.
 * Otherwise what is in use stays, so that two peers that dial each other at once do not tear down
 * what works already.
 */
export function choose(current: Hello | undefined, next: Hello): Choice {
  if (current === undefined) return "use";
  if (current.instance !== next.instance) return "replace";
  if (next.number < current.number) return "drop";
  return next.holds === current.number ? "drop" : "replace";
}

function shortened(reason: string): string {
  return reason.length <= REASON_LENGTH_MAX ? reason : `${reason.slice(0, REASON_LENGTH_MAX)}...`;
}
