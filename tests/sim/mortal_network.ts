// A network each of whose calls may be the last thing that its process does.

import type { Lane, Network, NetworkHandlers, PeerId } from "../../src/ports/network.ts";

/** Carries out a call of a port, unless the process dies before; then it returns `dead`. */
export type Mortally = <T>(call: () => T, dead: T) => T;

export class MortalNetwork implements Network {
  readonly #network: Network;
  readonly #mortally: Mortally;

  constructor(network: Network, mortally: Mortally) {
    this.#network = network;
    this.#mortally = mortally;
  }

  get self(): PeerId {
    return this.#network.self;
  }

  addresses(): readonly string[] {
    return this.#network.addresses();
  }

  start(handlers: NetworkHandlers): Promise<void> {
    return this.#network.start(handlers);
  }

  keepConnected(addresses: readonly string[], peer?: PeerId): void {
    this.#network.keepConnected(addresses, peer);
  }

  forget(peer: PeerId): void {
    this.#mortally(() => this.#network.forget(peer), undefined);
  }

  reset(peer: PeerId, reason: string): void {
    this.#mortally(() => this.#network.reset(peer, reason), undefined);
  }

  send(to: PeerId, lane: Lane, bytes: Uint8Array): boolean {
    return this.#mortally(() => this.#network.send(to, lane, bytes), false);
  }

  publish(bytes: Uint8Array): void {
    this.#mortally(() => this.#network.publish(bytes), undefined);
  }

  stop(): Promise<void> {
    return this.#network.stop();
  }
}
