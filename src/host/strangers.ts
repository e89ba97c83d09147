// Connections on which nobody has greeted yet, and what they may cost.
//
// Whoever can open a connection can hold it, and send what it likes, until the greeting has failed. So there are few
// of them at a time, in all and from one host, and each may send little before it is known. Where there are too many
// the oldest of the host that has the most makes way: an honest peer greets within milliseconds.

import type { ConnectionGater, MultiaddrConnection } from "@libp2p/interface";

/** How many at a time, in all and from one host. */
export const STRANGERS_MAX = 256;
export const STRANGERS_PER_HOST_MAX = 128;

/** What each may send, in bytes: the greeting of {@linkcode GREETING_LIMIT_BYTES} fits with all that comes before. */
export const STRANGER_BYTES_MAX = 512 * 1024;

/** What libp2p's connections have beside their public face. */
interface Readable extends MultiaddrConnection {
  onData(data: { readonly byteLength: number }): void;
}

export class Strangers {
  /** By host, and by the address that the connection comes from: the oldest first. */
  readonly #hosts = new Map<string, Map<string, MultiaddrConnection>>();
  #count = 0;

  /** What libp2p asks about connections. */
  readonly gater: ConnectionGater = {
    denyInboundConnection: (connection) => {
      this.#add(connection as Readable);
      return false;
    },
  };

  get count(): number {
    return this.#count;
  }

  /** The peer that came from this address has greeted. */
  greeted(remoteAddress: string): void {
    const connection = this.#remove(placeOf(remoteAddress)) as Partial<Readable> | undefined;
    // What counted its bytes lies before the method of its class.
    if (connection !== undefined) delete connection.onData;
  }

  #add(connection: Readable): void {
    const address = placeOf(connection.remoteAddr.toString());
    const host = hostOf(address);
    let ofHost = this.#hosts.get(host);
    if (ofHost === undefined) this.#hosts.set(host, ofHost = new Map());
    ofHost.set(address, connection);
    this.#count++;
    connection.addEventListener("close", () => this.#remove(address), { once: true });
    limitBytes(connection);
    if (ofHost.size > STRANGERS_PER_HOST_MAX) this.#evict(ofHost);
    else if (this.#count > STRANGERS_MAX) this.#evict(this.#largest());
  }

  #remove(address: string): MultiaddrConnection | undefined {
    const host = hostOf(address);
    const ofHost = this.#hosts.get(host);
    const connection = ofHost?.get(address);
    if (ofHost === undefined || connection === undefined) return undefined;
    ofHost.delete(address);
    if (ofHost.size === 0) this.#hosts.delete(host);
    this.#count--;
    return connection;
  }

  #evict(ofHost: ReadonlyMap<string, MultiaddrConnection>): void {
    const [oldest] = ofHost.entries();
    const [address, connection] = oldest!;
    this.#remove(address);
    connection.abort(new Error("Too many connections have not greeted"));
  }

  #largest(): ReadonlyMap<string, MultiaddrConnection> {
    let largest: ReadonlyMap<string, MultiaddrConnection> = new Map();
    for (const ofHost of this.#hosts.values()) if (ofHost.size > largest.size) largest = ofHost;
    return largest;
  }
}

/** Ends a connection that sends too much while it is a stranger's. */
function limitBytes(connection: Readable): void {
  const onData = connection.onData.bind(connection);
  let bytes = 0;
  connection.onData = (data) => {
    bytes += data.byteLength;
    if (bytes <= STRANGER_BYTES_MAX) return onData(data);
    connection.abort(new Error("It has sent too much before it greeted"));
  };
}

/** An address without the peer that libp2p adds once it is known. */
function placeOf(address: string): string {
  return address.split("/").slice(0, 5).join("/");
}

/** Such as `/ip4/10.0.0.1` of `/ip4/10.0.0.1/tcp/40000`. */
function hostOf(address: string): string {
  return address.split("/").slice(0, 3).join("/");
}
