// What is published in the network in memory, with its signature: only the object that its publisher made is genuine.
// A copy of it with another publisher or other bytes is what a forger can make.

import type { PeerId } from "../../src/ports/network.ts";

/** How long a network remembers what was published, in milliseconds. */
export const SEEN_MS = 30_000;

export interface Publication {
  readonly from: PeerId;
  readonly bytes: Uint8Array;
}

const genuine = new WeakSet<Publication>();

/** A publication as the network of `from` makes it. */
export function signed(from: PeerId, bytes: Uint8Array): Publication {
  const publication = { from, bytes };
  genuine.add(publication);
  return publication;
}

export function isGenuine(publication: Publication): boolean {
  return genuine.has(publication);
}
