// Gossipsub's own words, written by hand: so that a message can name whomever it likes as its origin.
//
//   RPC     := 1: subscription ... | 2: message ...
//   message := 1: origin | 2: data | 3: sequence | 4: topic | 5: signature          in protobuf
//
// Each RPC has its length before it. Source: libp2p specs, pubsub/README.md.

import type { Ed25519PrivateKey } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { NETWORK_VERSION } from "../../src/host/greeting.ts";

export const GOSSIP_PROTOCOL = "/meshsub/1.2.0";

export interface Published {
  readonly cluster: string;
  readonly data: Uint8Array;
  /** Who signs. */
  readonly privateKey: Ed25519PrivateKey;
  /** Who is said to have published it. */
  readonly origin: string;
  readonly sequence: bigint;
}

/** What tells a peer that we take part in the topic of a cluster. */
export function joinWords(cluster: string): Uint8Array {
  const subscription = new ByteWriter();
  field(subscription, 1, 1);
  field(subscription, 2, utf8(topicOf(cluster)));
  const rpc = new ByteWriter();
  field(rpc, 1, subscription.finish());
  return withLength(rpc);
}

/** What publishes a message, signed by whoever has the key, whatever it says of its origin. */
export async function publishWords(published: Published): Promise<Uint8Array> {
  const unsigned = unsignedWords(published);
  const signature = await published.privateKey.sign(concatBytes([SIGNED_PREFIX, unsigned]));
  const message = new ByteWriter();
  message.raw(unsigned);
  field(message, 5, signature);
  const rpc = new ByteWriter();
  field(rpc, 2, message.finish());
  return withLength(rpc);
}

const SIGNED_PREFIX = utf8("libp2p-pubsub:");

function unsignedWords({ cluster, data, origin, sequence }: Published): Uint8Array {
  const writer = new ByteWriter();
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, sequence);
  field(writer, 1, peerIdFromString(origin).toMultihash().bytes);
  field(writer, 2, data);
  field(writer, 3, number);
  field(writer, 4, utf8(topicOf(cluster)));
  return writer.finish();
}

function topicOf(cluster: string): string {
  return `denamo/${NETWORK_VERSION}/${cluster}`;
}

/** One field of protobuf: a number, or bytes with their length. */
function field(writer: ByteWriter, number: number, value: number | Uint8Array): void {
  const isNumber = typeof value === "number";
  writer.byte((number << 3) | (isNumber ? 0 : 2));
  if (isNumber) writer.integer(value);
  else writer.bytes(value);
}

function withLength(rpc: ByteWriter): Uint8Array {
  const writer = new ByteWriter();
  writer.bytes(rpc.view());
  return writer.finish();
}
