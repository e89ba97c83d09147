// libp2p as we use it.
//
// Its own ways of limiting, pinging and reconnecting are made for peers who do not know each other. They would part
// ours: five new connections per second and host, ten that are not encrypted yet, one ping of five seconds that
// fails and ends a connection, five attempts to reconnect. They are off, and strangers.ts, redial.ts and peer_link.ts
// do instead.

import "./broadcast_channel.ts";
import { identify } from "@libp2p/identify";
import type { Connection, ConnectionGater, Ed25519PrivateKey } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { messageOf } from "../wire/errors.ts";
import type { GossipTopic } from "./gossip_topic.ts";
import { joinWrites } from "./joined_writes.ts";
import type { TurnEnd } from "./turn_end.ts";

/** The same on both sides, or yamux gives up: change it together with NETWORK_VERSION. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const STREAM_WINDOW_BYTES_MAX = 16 * 1024 * 1024;

/** Both lanes, gossip, a sign of life and what is on its way between them. */
const STREAMS_MAX = 32;

/** The members of the largest layout, several times. */
const CONNECTIONS_MAX = 4_096;

/** How long a connection may take to be encrypted, and a stream to name its protocol, in milliseconds. */
const GREETING_STEP_TIMEOUT_MS = 5_000;

const ADDRESS_DIAL_TIMEOUT_MS = 2_000;
const DIAL_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 500;

export interface Libp2pNodeOptions {
  readonly privateKey: Ed25519PrivateKey;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly turnEnd: TurnEnd;
  readonly gossip: GossipTopic;
  /** Which connections are not wanted. */
  readonly gater: ConnectionGater;
  /** Connections opened by others, whoever they are. */
  readonly maxInboundConnections: number;
}

/** Makes a node that is not started. @throws {TypeError} if an address is no multiaddr */
export async function makeLibp2p(options: Libp2pNodeOptions): Promise<Libp2p> {
  const { privateKey, listen, announce, turnEnd, gossip } = options;
  const { gater, maxInboundConnections } = options;
  for (const address of [...listen, ...announce]) checkAddress(address);
  return await createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: [...listen], announce: [...announce] },
    transports: [joinWrites(tcp({ maxConnections: maxInboundConnections }), turnEnd)],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({
      streamOptions: {
        initialStreamWindowSize: STREAM_WINDOW_BYTES,
        maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX,
      },
      maxInboundStreams: STREAMS_MAX,
    })],
    connectionGater: gater,
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: 1_000_000,
      maxIncomingPendingConnections: 10_000,
      inboundUpgradeTimeout: GREETING_STEP_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: GREETING_STEP_TIMEOUT_MS,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
    },
    connectionMonitor: { enabled: false },
    // Gossipsub wants the service; nobody asks it, and what others tell of themselves would be kept for ever.
    services: { identify: identify({ runOnConnectionOpen: false }), gossip: gossip.service },
  });
}

/** Closes a connection gracefully if that is soon done, else at once. */
export async function closeSoon(connection: Connection): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Whether a dial failed because it has reached ourselves. */
export function isDialToSelf(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDialToSelf);
  return error instanceof Error && /dial self/.test(error.message);
}

function checkAddress(address: string): void {
  try {
    multiaddr(address);
  } catch (error) {
    throw new TypeError(`"${address}" is no multiaddr: ${messageOf(error)}`);
  }
}
