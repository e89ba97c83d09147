// What must be known of multiaddrs outside libp2p: whose they are, and which to try first.

import { CODE_P2P, multiaddr } from "@multiformats/multiaddr";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import { messageOf } from "../wire/errors.ts";

/** The peer that an address names with `/p2p/…`, if it does. */
export function peerOfAddress(address: string): PeerId | undefined {
  return multiaddr(address).getComponents().findLast(({ code }) => code === CODE_P2P)?.value;
}

/** Groups addresses by the peer that they name. What is no multiaddr is left out and reported. */
export function byPeer(
  addresses: readonly string[],
  log: Log,
): Map<PeerId | undefined, string[]> {
  const groups = new Map<PeerId | undefined, string[]>();
  for (const address of addresses) {
    let peer: PeerId | undefined;
    try {
      peer = peerOfAddress(address);
    } catch (error) {
      log.warn("An address is no multiaddr", { address, reason: messageOf(error) });
      continue;
    }
    const group = groups.get(peer);
    if (group === undefined) groups.set(peer, [address]);
    else group.push(address);
  }
  return groups;
}

/** Puts loopback addresses last: others try addresses one after the other. */
export function reachableFirst(addresses: readonly string[]): string[] {
  const isLocal = (address: string) => /^\/(ip4\/127\.|ip6\/::1\/)/.test(address);
  return [
    ...addresses.filter((address) => !isLocal(address)),
    ...addresses.filter((address) => isLocal(address)),
  ];
}

/** Whether two addresses are the same but for the peer that they name. */
export function isSameAddress(one: string, other: string): boolean {
  return withoutPeer(one) === withoutPeer(other);
}

function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, "");
}
