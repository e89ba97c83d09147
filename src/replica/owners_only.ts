// Some messages only another owner of the same part may send: they can take something away here.
//
// Rpc knows that their sender is a member of the layout (wire/standing.ts). Which part is meant stands in the arguments,
// so whoever reads these asks here, before anything else of the message is decoded.

import type { PeerId } from "../ports/network.ts";
import type { Placement } from "../ring/placement.ts";
import { DenamoError } from "../wire/errors.ts";
import { type PartId, partOf } from "./parts.ts";

/** The name of the node that a peer is at present, if it is one. */
export type NodeOf = (peer: PeerId) => string | undefined;

/**
 * @param copies of the keys in question; undefined for as many as the layout says
 * @throws {DenamoError} `not_allowed` if the node is no owner of them
 */
export function checkOwns(
  placement: Placement,
  node: string | undefined,
  partition: number,
  copies: number | undefined,
): void {
  if (node !== undefined && placement.isOwner(node, partition, copies)) return;
  const message = `${node ?? "This peer"} does not own partition ${partition}`;
  throw new DenamoError("not_allowed", "no", message);
}

/** The same for every one of these parts. */
export function checkOwnsAll(
  placement: Placement,
  node: string | undefined,
  parts: Iterable<PartId>,
): void {
  for (const part of parts) {
    const { copies, partition } = partOf(part);
    checkOwns(placement, node, partition, copies || undefined);
  }
}
