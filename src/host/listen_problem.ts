// Why an address cannot be listened on, in one line: what libp2p says is a page, and names no reason.

import { networkInterfaces } from "node:os";
import { reachOf } from "./addresses.ts";
import { messageOf } from "../wire/errors.ts";

/** The addresses of this machine, as numbers. */
export function ownNumbers(): ReadonlySet<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap((them) => them ?? []);
  return new Set(interfaces.map(({ address }) => address));
}

/** The line for the operator. @param own the numbers of this machine */
export function listenProblem(
  listen: readonly string[],
  error: unknown,
  own: ReadonlySet<string> = ownNumbers(),
): string {
  const message = messageOf(error);
  const foreign = listen.filter((address) => isForeign(address, own));
  if (foreign.length > 0) {
    return `Cannot listen on ${foreign.join(", ")}: this machine has no such address. It has ${
      [...own].join(", ")
    }; /ip4/0.0.0.0/tcp/… is all of them`;
  }
  return `Cannot listen on ${listen.join(", ")}: ${reasonIn(message)}`;
}

function isForeign(address: string, own: ReadonlySet<string>): boolean {
  const [, kind, host] = /^\/(ip4|ip6)\/([^/]+)\//.exec(address) ?? [];
  if (kind === undefined || host === undefined || own.has(host)) return false;
  return !["0.0.0.0", "::"].includes(host) && reachOf(address) !== "loopback";
}

function reasonIn(message: string): string {
  if (/EADDRINUSE|in use/i.test(message)) return "the address is in use";
  if (/EADDRNOTAVAIL|not available|cannot assign/i.test(message)) {
    return "this machine has no such address";
  }
  if (/EACCES|permission denied/i.test(message)) return "this user may not use that port";
  const [, reason] = /Error: (.*?)(?: at |\n|$)/.exec(message) ?? [];
  return (reason ?? message.split("\n")[0]!).replace(/\s+/g, " ").trim();
}
