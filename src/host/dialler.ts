// Opens a connection to one of the addresses of a peer, or to whoever answers there.
//
// libp2p tries the addresses of one peer one after the other and counts them as one attempt. Here each is an attempt of
// its own, without the peer's id, and who has answered is compared before anything is said to it.

import type { Connection, ConnectionGater } from "@libp2p/interface";
import type { Clock } from "../ports/clock.ts";
import type { PeerId } from "../ports/network.ts";
import type { Reach } from "./addresses.ts";
import { placeOf, reachOf } from "./addresses.ts";
import { firstToAnswer } from "./first_to_answer.ts";
import { hasName, type Lookup, withNumbers } from "./host_names.ts";

/** How long all attempts of one call may take together, in milliseconds. */
const CALL_MS = 5_000;

/** How long looking up a name may take, in milliseconds. */
const LOOKUP_MS = 2_000;

export interface DiallerOptions {
  readonly clock: Clock;
  /** Connects to an address that names no peer. */
  readonly connect: (address: string, signal: AbortSignal) => Promise<Connection>;
  /** Our own addresses. */
  readonly own: () => readonly string[];
  /** Replaces the system's way of looking up names. */
  readonly lookUp?: Lookup | undefined;
}

/** Whom to call. */
export interface Call {
  readonly addresses: readonly string[];
  /** Only this peer will do, if given. */
  readonly peer: PeerId | undefined;
  /** Whether what the name in an address leads to may be called. */
  readonly mayReach: (address: string, reach: Reach) => boolean;
}

export class Dialler {
  readonly #options: DiallerOptions;
  /** By address, the peers that are looked for there; undefined stands for anybody. */
  readonly #wanted = new Map<string, (PeerId | undefined)[]>();

  readonly #stopped = new AbortController();

  /** Who answers at an address and is not looked for there is let go before the peers greet. */
  readonly gater: ConnectionGater = {
    denyOutboundEncryptedConnection: (peer, { remoteAddr }) => {
      const wanted = this.#wanted.get(placeOf(remoteAddr.toString()));
      return wanted !== undefined && !wanted.includes(undefined) &&
        !wanted.includes(peer.toString());
    },
  };

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** Ends all calls. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Resolves with "self" if all that the addresses lead to is ourselves. Rejects if nobody answers. */
  async call({ addresses, mayReach, peer }: Call): Promise<Connection | "self"> {
    const { clock, connect, own } = this.#options;
    const errors: unknown[] = [];
    const found = await Promise.all(addresses.map(async (address) => {
      try {
        const places = (await this.#numbers(address)).map(placeOf);
        if (!hasName(address)) return places;
        return places.filter((place) => mayReach(address, reachOf(place)));
      } catch (error) {
        errors.push(error);
        return [];
      }
    }));
    const places = [...new Set(found.flat())];
    const ownPlaces = new Set(own().map(placeOf));
    const others = places.filter((place) => !ownPlaces.has(place));
    if (others.length === 0 && places.length > 0) return "self";
    if (others.length === 0 && errors.length > 0) throw errors[0];
    return await firstToAnswer(others, async (place, signal) => {
      const release = this.#want(place, peer);
      try {
        const connection = await connect(place, signal);
        const answered = connection.remotePeer.toString();
        if (peer !== undefined && answered !== peer) throw new Error(`Peer ${answered} answers`);
        return connection;
      } finally {
        release();
      }
    }, { clock, timeoutMs: CALL_MS, signal: this.#stopped.signal });
  }

  /** A name server that is silent must not hold up the other addresses. */
  #numbers(address: string): Promise<string[]> {
    const { clock, lookUp } = this.#options;
    if (!hasName(address)) return Promise.resolve([address]);
    return firstToAnswer([address], () => withNumbers(address, lookUp), {
      clock,
      timeoutMs: LOOKUP_MS,
      signal: this.#stopped.signal,
    });
  }

  #want(place: string, peer: PeerId | undefined): () => void {
    const wanted = this.#wanted.get(place) ?? [];
    this.#wanted.set(place, wanted);
    wanted.push(peer);
    return () => {
      wanted.splice(wanted.indexOf(peer), 1);
      if (wanted.length === 0) this.#wanted.delete(place);
    };
  }
}
