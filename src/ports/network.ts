// A network of peers that send each other bytes.
//
// The contract, which tests/contracts/network_contract.ts checks of every implementation:
// - A peer is known by its peer id, which its private key proves. Before anything else two peers show
//   each other a greeting; either side may refuse the other, and then nothing but the refusal passes.
// - A refusal is what a peer says, and proves nothing. `refusedBy` tells it together with what the peer has
//   shown of itself.
// - Between `peerUp` and `peerDown` messages of one lane arrive whole, unchanged, in the order sent,
//   or the connection breaks. What was sent before a break may have arrived or not.
// - `published` delivers what any peer published to the topic, with the peer that did, whoever passed it on:
//   what was altered on the way, or bears the id of another peer, is not delivered. It is delivered in
//   any order, perhaps never, never to the node that published it, and at most once as long as the network
//   remembers it (half a minute); whoever cares about older repetitions counts what it publishes.
// - Handlers are never called from within a call of a method.

/** The text form of a public key's hash. */
export type PeerId = string;

/**
 * Why a peer is not admitted. The code is for programs, the message for people; the details are what a program needs
 * to know besides, few and small (see REFUSAL_LIMITS).
 */
export interface Refusal {
  /** Such as `name_in_use`: lower case letters, digits and `_`. */
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, number | string>>;
}

/** What a refusal may hold at most; a longer message is cut. Texts in UTF-16 units. */
export const REFUSAL_LIMITS = {
  code: 40,
  message: 500,
  detailCount: 8,
  detailName: 40,
  detailText: 300,
} as const;

/** What is known of a peer that refuses us. */
export interface Refuser {
  /** Its own greeting, if it has shown one and is of our cluster. Without it nothing says that it is a node. */
  readonly greeting: Uint8Array | undefined;
  /** Whether we called it, rather than it us. */
  readonly isDialled: boolean;
}

/** Requests and their answers have one way, bulk data (transfers, trees) another. */
export type Lane = "request" | "bulk";

/** What a node does with what comes from the network. */
export interface NetworkHandlers {
  /** The first thing we tell every peer. */
  greeting(): Uint8Array;

  /**
   * Judges a peer by its greeting: undefined admits it, a refusal is told to it.
   *
   * @param isDialled whether we called it, rather than it us
   */
  admit(peer: PeerId, greeting: Uint8Array, isDialled: boolean): Refusal | undefined;

  /** A connection to an admitted peer is open in both directions. */
  peerUp(peer: PeerId): void;

  /** The connection to a peer that was up has ended. */
  peerDown(peer: PeerId, reason: string): void;

  /**
   * A peer has refused us, and why. Of two peers of different clusters both are told, with the code
   * `other_cluster`; of two that speak different versions of the protocol with `other_version`. A peer to which a
   * live process with our own identity is connected that has begun earlier refuses us with
   * `identity_in_use`; if we have reached such a process ourselves, `peer` is our own id.
   */
  refusedBy(peer: PeerId, refusal: Refusal, by: Refuser): void;

  /** A message has arrived. `bytes` may be a view: copy what shall outlive the call. */
  message(from: PeerId, lane: Lane, bytes: Uint8Array): void;

  /** Something was published to all, by the peer `from`. `bytes` may be a view. */
  published(from: PeerId, bytes: Uint8Array): void;
}

export interface Network {
  /** Our own id. */
  readonly self: PeerId;

  /** The addresses at which others reach us (multiaddrs with `/p2p/…`), known once started. */
  addresses(): readonly string[];

  /** Begins to listen. @throws if an address cannot be listened on */
  start(handlers: NetworkHandlers): Promise<void>;

  /**
   * Keeps a connection to this peer from now on: dials, and dials again after every loss with a growing
   * pause. An address with or without `/p2p/…`; unreachable ones are reported in the log. With a peer, the addresses are
   * what it says of itself: what cannot be meant for us is left out, and one that was never met is called
   * seldom.
   */
  keepConnected(addresses: readonly string[], peer?: PeerId): void;

  /**
   * Ends what {@linkcode keepConnected} began for this peer by its id, and closes its connection. An address that was
   * given without an id is dialled on, whoever has answered there.
   */
  forget(peer: PeerId): void;

  /** Closes a peer's connection because it broke the rules. It may come back. */
  reset(peer: PeerId, reason: string): void;

  /**
   * Hands over a message. The bytes may be used again by the caller at once.
   *
   * @returns false, and has not sent anything, if the peer is not up or its queue is full
   */
  send(to: PeerId, lane: Lane, bytes: Uint8Array): boolean;

  /** Tells everybody, without promise. */
  publish(bytes: Uint8Array): void;

  /** Ends everything; no handler is called afterwards, and nothing keeps the process alive. */
  stop(): Promise<void>;
}
