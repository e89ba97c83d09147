// What must be known of multiaddrs outside libp2p: whose they are, which to try first, and which not at all.
//
// What a peer says of itself is where we connect to, and a stranger may say anything. So of such addresses only plain
// ones over TCP are called, and none that mean another machine to everybody: our own loopback is not the
// peer's, unless both are on one host.

import { isIPv4, isIPv6 } from "node:net";
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

/** Where an address leads: to an ordinary place, to one near whoever calls, or to none that can be called. */
export type Reach = "ordinary" | "loopback" | "link_local" | "nowhere";

/** How many addresses of one peer are called. */
const ADDRESSES_MAX = 8;

const PLAIN = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/p2p\/([^/]+))?$/;
const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`, "i");

/** The addresses among those that a peer says of itself that may be called. */
export function callable(
  addresses: readonly string[],
  peer: PeerId,
  mayReach: (reach: Reach) => boolean,
): string[] {
  return addresses.slice(0, ADDRESSES_MAX).filter((address) => {
    const named = PLAIN.exec(address)?.[4];
    if (named !== undefined && named !== peer) return false;
    const reach = reachOf(address);
    return reach === "ordinary" || (reach !== "nowhere" && mayReach(reach));
  });
}

/** Where an address leads; nowhere if it is not a plain one over TCP. */
export function reachOf(address: string): Reach {
  const [, kind, host, port] = PLAIN.exec(address) ?? [];
  if (kind === undefined || host === undefined) return "nowhere";
  if (Number(port) < 1 || Number(port) > 65_535) return "nowhere";
  switch (kind) {
    case "ip4":
      return reachOfIp4(host);
    case "ip6":
      return reachOfIp6(host);
    default:
      return reachOfName(host);
  }
}

function reachOfIp4(host: string): Reach {
  if (!isIPv4(host)) return "nowhere";
  const [first, second] = host.split(".").map(Number) as [number, number];
  if (first === 127) return "loopback";
  if (first === 169 && second === 254) return "link_local";
  return first === 0 || first >= 224 ? "nowhere" : "ordinary";
}

function reachOfIp6(host: string): Reach {
  if (!isIPv6(host) || host.includes("%")) return "nowhere";
  // The shortest form, such as ::ffff:7f00:1 of ::ffff:127.0.0.1.
  const plain = new URL(`http://[${host}]`).hostname.slice(1, -1);
  if (plain === "::1") return "loopback";
  const [, high, low] = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain) ?? [];
  if (high !== undefined && low !== undefined) {
    const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
    return reachOfIp4(`${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`);
  }
  if (/^fe[89ab]/.test(plain)) return "link_local";
  return plain.startsWith("ff") || plain.startsWith("::") ? "nowhere" : "ordinary";
}

function reachOfName(host: string): Reach {
  if (host.length > 253 || !HOST_NAME.test(host)) return "nowhere";
  const name = host.toLowerCase().replace(/\.$/, "");
  const isLocal = /(^|\.)localhost$|^ip6-(localhost|loopback)$/.test(name);
  // All digits is an address in disguise.
  return isLocal ? "loopback" : /^[\d.]+$|^0x/.test(name) ? "nowhere" : "ordinary";
}

/**
 * What is wrong with a node that was told to join other machines and tells them an address that leads nowhere there;
 * undefined if nothing is.
 *
 * @param own where the node says that it is reached
 */
export function unreachableProblem(
  join: readonly string[],
  own: readonly string[],
): string | undefined {
  const elsewhere = join.filter((address) => reachOf(address) !== "loopback");
  if (elsewhere.length === 0 || own.some((address) => reachOf(address) !== "loopback")) {
    return undefined;
  }
  return `This node listens on this machine only, and ${elsewhere.join(", ")} may be on another: ` +
    "nodes there cannot call it. Start it with --listen /ip4/0.0.0.0/tcp/7101, " +
    "and with --announce if others see it under another address";
}

/** Whether two addresses are the same but for the peer that they name. */
export function isSameAddress(one: string, other: string): boolean {
  return placeOf(one) === placeOf(other);
}

/** An address without the peer that it names. */
export function placeOf(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, "");
}
