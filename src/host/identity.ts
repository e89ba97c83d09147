// The key pair that makes a peer: Ed25519, in libp2p's own protobuf form.

import "./broadcast_channel.ts";
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import type { Ed25519PrivateKey } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import type { PeerId } from "../ports/network.ts";
import { messageOf } from "../wire/errors.ts";

/** Makes a new identity, to be kept secret and kept. */
export async function generateIdentity(): Promise<Uint8Array> {
  return privateKeyToProtobuf(await generateKeyPair("Ed25519"));
}

/** The peer id of an identity. @throws {TypeError} if the bytes are no identity */
export function peerIdOf(identity: Uint8Array): PeerId {
  return peerIdFromPrivateKey(privateKeyOf(identity)).toString();
}

/** The key of an identity. @throws {TypeError} if the bytes are no identity */
export function privateKeyOf(identity: Uint8Array): Ed25519PrivateKey {
  try {
    const key = privateKeyFromProtobuf(identity);
    if (key.type === "Ed25519") return key;
  } catch (error) {
    throw new TypeError(`The identity cannot be read: ${messageOf(error)}`);
  }
  throw new TypeError("The identity is no Ed25519 key");
}
