// A network of peers that send each other bytes.
//
// The contract, which tests/contracts/network_contract.ts checks of every implementation:
// - A peer is known by its peer id, which its private key proves. Before anything else two peers show
//   each other a greeting; either side may refuse the other, and then nothing but the refusal passes.
// - Between `peerUp` and `peerDown` messages of one lane arrive whole, unchanged, in the order sent,
//   or the connection breaks. What was sent before a break may have arrived or not.
// - `published` delivers what any admitted peer published to its topic, at most once, in any order,
//   perhaps never, and never the node's own.
// - Handlers are never called from within a call of a method.

/** The text form of a public key's hash. */
export type PeerId = string;

/** Requests and their answers have one way, bulk data (transfers, trees) another. */
export type Lane = "request" | "bulk";

/** What a node does with what comes from the network. */
export interface NetworkHandlers {
  /** The first thing we tell every peer. */
  greeting(): Uint8Array;

  /** Judges a peer by its greeting: undefined admits it, a sentence refuses it and is told to it. */
  admit(peer: PeerId, greeting: Uint8Array): string | undefined;

  /** A connection to an admitted peer is open in both directions. */
  peerUp(peer: PeerId): void;

  /** The connection to a peer that was up has ended. */
  peerDown(peer: PeerId, reason: string): void;

  /**
   * A peer (undefined if its id is not known) has refused us, and why. Of two peers of different clusters
   * both are told.
   */
  refusedBy(peer: PeerId | undefined, reason: string): void;

  /** A message has arrived. `bytes` may be a view: copy what shall outlive the call. */
  message(from: PeerId, lane: Lane, bytes: Uint8Array): void;

  /** Something was published to all. `bytes` may be a view. */
  published(bytes: Uint8Array): void;
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
   * pause. An address with or without `/p2p/…`; unreachable ones are reported in the log.
   */
  keepConnected(addresses: readonly string[], peer?: PeerId): void;

  /** Ends what {@linkcode keepConnected} began for this peer and closes its connection. */
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
