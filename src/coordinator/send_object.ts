// How an object gets from a coordinator to others: as what has changed where that is smaller, else whole.
//
// A copy that lacks what the change builds upon says so (`gap`), and is sent the whole. Nobody else learns of it.

import type { DataObject } from "../crdt/data_object.ts";
import { deltaBetween, encodeDelta } from "../crdt/object_delta.ts";
import type { PeerId } from "../ports/network.ts";
import { type Cluster, layoutOf } from "../replica/cluster.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";

/** From which size on of the values that merge it is worth looking for what differs, in bytes. */
const WORTHWHILE_BYTES = 256;

export interface Sent {
  readonly partition: number;
  readonly key: Uint8Array;
  /** What those who get it are believed to have. */
  readonly before: DataObject;
  readonly object: DataObject;
  readonly timeoutMs: number;
}

/**
 * Sends an object to some peers.
 *
 * @param standsInFor the owner for whom they stand in, if they do
 * @param answered called once for each of them: with an error if it has not stored the object
 */
export function sendObject(
  cluster: Cluster,
  peers: readonly PeerId[],
  { before, key, object, partition, timeoutMs }: Sent,
  standsInFor: readonly string[],
  answered: (peer: PeerId, error: DenamoError | undefined) => void,
): void {
  const head = [layoutOf(cluster).layout.id, partition, key];
  const sendWhole = (peers: readonly PeerId[]) => {
    const message = [...head, object.encoded(), ...standsInFor];
    cluster.rpc.ask(peers, METHODS.store, message, timeoutMs, (peer, reply) => {
      answered(peer, reply instanceof DenamoError ? reply : undefined);
    });
  };
  const delta = object.valuesBytes < WORTHWHILE_BYTES ? undefined : deltaBetween(before, object);
  const bytes = delta && encodeDelta(delta);
  if (bytes === undefined || bytes.length >= object.sizeBytes) return sendWhole(peers);
  const message = [...head, bytes, ...standsInFor];
  cluster.rpc.ask(peers, METHODS.storeDelta, message, timeoutMs, (peer, reply) => {
    if (!(reply instanceof DenamoError)) answered(peer, undefined);
    else if (reply.code === "gap") sendWhole([peer]);
    else answered(peer, reply);
  });
}
