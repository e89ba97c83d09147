// What no node writes, byte by byte: the product's own encoders refuse most of it.

import { toBase64Url, utf8 } from "../../src/base/bytes.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { hash32, hash64 } from "../../src/base/hash.ts";
import { Namespaces } from "../../src/replica/namespaces.ts";

/** The largest number that any of our formats can hold. */
export const LARGEST = Number.MAX_SAFE_INTEGER;

/** Of a heartbeat, all that may be forged. */
export interface ForgedHeartbeat {
  readonly node: string;
  readonly peerId: string;
  readonly incarnation?: number;
  readonly sequence?: number;
  readonly timeMs?: number;
  readonly intervalMs?: number;
  readonly weight?: string;
  readonly layoutVersion?: number;
  readonly load?: number;
  /** 0 ok, 1 readonly, 2 failed; others are unknown. */
  readonly disk?: number;
  readonly addresses?: readonly string[];
  /** The digest of a table of namespaces. */
  readonly namespaces?: string;
}

/** A heartbeat as a node would write it if it had these facts. */
export function heartbeatBytes(forged: ForgedHeartbeat): Uint8Array<ArrayBuffer> {
  const { node, peerId, addresses = [], namespaces } = forged;
  const writer = new ByteWriter();
  writer.byte(1);
  writer.byte(1 | (namespaces === undefined ? 0 : 16));
  writer.text(node);
  writer.text(peerId);
  writer.integer(forged.incarnation ?? Date.now());
  writer.integer(forged.sequence ?? 1);
  writer.integer(forged.timeMs ?? Date.now());
  writer.integer(forged.intervalMs ?? 250);
  writer.text("dc1/rack1");
  writer.text(forged.weight ?? "1");
  for (let i = 0; i < 3; i++) writer.integer(forged.layoutVersion ?? 0);
  writer.integer(forged.load ?? 0);
  writer.byte(forged.disk ?? 0);
  writer.integer(addresses.length);
  for (const address of addresses) {
    writer.byte(0);
    writer.text(address);
  }
  if (namespaces !== undefined) writer.text(namespaces);
  return writer.finish();
}

/** Why a peer is not let in, in the form of each version of the protocol. */
export function leftBehindRefusals(upTo: number): Uint8Array[] {
  const sentence = new ByteWriter();
  sentence.byte(3);
  sentence.text(`This node was left behind at ${upTo}`);
  const refusal = new ByteWriter();
  refusal.byte(4);
  refusal.text("left_behind");
  refusal.text(`This node was left behind at ${upTo}`);
  refusal.integer(1);
  refusal.text("upTo");
  refusal.byte(0);
  refusal.integer(upTo);
  return [sentence.finish(), refusal.finish()];
}

/** What a node says of itself in its hello: with it a stranger is let in. */
export function greetingBytes(heartbeat: ForgedHeartbeat, emptiedUpTo = 0): Uint8Array {
  const writer = new ByteWriter();
  writer.text(new Namespaces({}, []).baseDigest());
  writer.text(heartbeat.node);
  writer.integer(emptiedUpTo);
  writer.raw(heartbeatBytes(heartbeat));
  return writer.finish();
}

/** A layout of one owner, who owns everything. */
export function layoutOfOne(version: number, node: string, partitionBits = 10): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(1);
  writer.integer(version);
  writer.byte(partitionBits);
  writer.byte(0);
  writer.integer(3);
  writer.integer(1);
  writer.text(node);
  writer.text("dc1/rack1");
  const weight = new Uint8Array(8);
  new DataView(weight.buffer).setFloat64(0, 1);
  writer.raw(weight);
  for (let i = 0; i < 2 ** partitionBits; i++) writer.integer(0);
  return writer.finish();
}

/** A context as clients once carried it, with a checksum and no seal. */
export function unsealedToken(key: string, vector: Readonly<Record<string, number>>): string {
  const writer = new ByteWriter();
  const hash = hash64(utf8(key));
  writer.byte(1);
  writer.uint32(Number(hash >> 32n));
  writer.uint32(Number(hash & 0xffffffffn));
  const actors = Object.keys(vector).sort();
  writer.integer(actors.length);
  for (const actor of actors) {
    writer.text(actor);
    writer.integer(vector[actor]!);
  }
  writer.uint32(hash32(writer.view()));
  return toBase64Url(writer.view());
}

/** An object with one text by each actor, at its time. */
export function objectBytes(writers: Readonly<Record<string, number>>): Uint8Array {
  const actors = Object.keys(writers).sort();
  const writer = new ByteWriter();
  writer.byte(1);
  writer.integer(actors.length);
  for (const actor of actors) writer.text(actor);
  writer.integer(1);
  const body = new ByteWriter();
  body.integer(actors.length);
  for (const [i, actor] of actors.entries()) {
    body.integer(i);
    body.integer(0);
    body.integer(1);
    body.integer(writers[actor]!);
    body.byte(2);
    body.bytes(utf8("forged"));
  }
  writer.byte(2);
  writer.bytes(body.view());
  return writer.finish();
}

/** A table of namespaces that are all removed, by prefix with the time of the order. */
export function removedNamespaces(times: Readonly<Record<string, number>>): Uint8Array {
  const prefixes = Object.keys(times).sort();
  const writer = new ByteWriter();
  writer.integer(prefixes.length);
  for (const prefix of prefixes) {
    writer.text(prefix);
    writer.integer(times[prefix]!);
    writer.text("x");
    writer.text("");
  }
  return writer.finish();
}

/** 60 KB that ask for 65,535 elements 20,000 times, one within the other. */
export function nestedMessagePack(levels = 20_000): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(3 * levels);
  for (let i = 0; i < levels; i++) bytes.set([0xdc, 0xff, 0xff], 3 * i);
  return bytes;
}

/**
 * An update of Yjs in which so many clients have each put one letter to the very beginning of a text, each before
 * another letter of it: so each must be looked at for each.
 */
export function crowdedUpdate(clients: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const author = clients + 1;
  writer.integer(clients + 1);
  writer.integer(1);
  writer.integer(author);
  writer.integer(0);
  // A text whose parent has a name, without anything beside it.
  writer.byte(4);
  writer.integer(1);
  writer.text("t");
  writer.text("a".repeat(clients));
  for (let client = clients; client > 0; client--) {
    writer.integer(1);
    writer.integer(client);
    writer.integer(0);
    // A text that names what was to its right.
    writer.byte(0x44);
    writer.integer(author);
    writer.integer(client - 1);
    writer.text("b");
  }
  writer.integer(0);
  return writer.finish();
}
