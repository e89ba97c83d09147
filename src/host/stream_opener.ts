// From a connection to its two streams.
//
// The side that dialled opens one stream per lane, the other side waits for them. A connection that does not
// have both in time is closed: whoever it is, it does not speak our protocol.

import type { Connection, Stream } from "@libp2p/interface";
import type { Libp2p } from "libp2p";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Lane } from "../ports/network.ts";
import { NETWORK_VERSION } from "./greeting.ts";

/** A connection with one stream per lane. */
export interface OpenedConnection {
  readonly connection: Connection;
  readonly request: Stream;
  readonly bulk: Stream;
}

export interface StreamOpenerOptions {
  readonly clock: Clock;
  /** How long a connection may take to have its streams, in milliseconds. */
  readonly timeoutMs: number;
  readonly opened: (opened: OpenedConnection) => void;
  /** A connection has ended without its streams; by refusal if the peer does not speak our protocol. */
  readonly failed: (connection: Connection, reason: string, isRefusal: boolean) => void;
}

const LANES: readonly Lane[] = ["request", "bulk"];

/** Streams per lane and connection, with one to spare while a former one is still being counted. */
const STREAMS_MAX = 2;

/** The protocol id under which libp2p knows a lane. */
export function protocolOf(lane: Lane): string {
  return `/denamo/${NETWORK_VERSION}/${lane}`;
}

interface Opening {
  readonly connection: Connection;
  readonly streams: Partial<Record<Lane, Stream>>;
  readonly timer: Timer;
}

export class StreamOpener {
  readonly #options: StreamOpenerOptions;
  readonly #openings = new Map<string, Opening>();
  #isRunning = false;

  constructor(options: StreamOpenerOptions) {
    this.#options = options;
  }

  /** Follows all connections of a libp2p node that has not started yet. */
  async start(node: Libp2p): Promise<void> {
    this.#isRunning = true;
    node.addEventListener("connection:open", ({ detail }) => this.#onConnection(detail));
    node.addEventListener("connection:close", ({ detail }) => {
      this.#fail(detail, "It closed the connection before it greeted", false);
    });
    for (const lane of LANES) {
      await node.handle(
        protocolOf(lane),
        (stream, connection) => this.#onStream(lane, stream, connection),
        { maxInboundStreams: STREAMS_MAX, maxOutboundStreams: STREAMS_MAX },
      );
    }
  }

  stop(): void {
    this.#isRunning = false;
    for (const { timer } of this.#openings.values()) timer.cancel();
    this.#openings.clear();
  }

  #onConnection(connection: Connection): void {
    if (!this.#isRunning || connection.status !== "open") return;
    const { clock, timeoutMs } = this.#options;
    const timer = clock.after(timeoutMs, () => {
      const reason = `It opened no streams within ${timeoutMs} ms`;
      this.#fail(connection, reason, false);
      connection.abort(new Error(reason));
    });
    this.#openings.set(connection.id, { connection, streams: {}, timer });
    if (connection.direction === "outbound") this.#open(connection);
  }

  #open(connection: Connection): void {
    const streams = LANES.map((lane) => {
      return connection.newStream(protocolOf(lane), { maxOutboundStreams: STREAMS_MAX });
    });
    Promise.all(streams).then((opened) => {
      LANES.forEach((lane, i) => this.#onStream(lane, opened[i]!, connection));
    }).catch((error: Error) => {
      const isRefusal = error.name === "UnsupportedProtocolError";
      const reason = isRefusal
        ? `It does not speak version ${NETWORK_VERSION} of Denamo's protocol`
        : error.message;
      this.#fail(connection, reason, isRefusal);
      connection.abort(error);
    });
  }

  #onStream(lane: Lane, stream: Stream, connection: Connection): void {
    const opening = this.#openings.get(connection.id);
    if (opening === undefined || opening.streams[lane] !== undefined) {
      stream.abort(new Error("This connection has its streams"));
      return;
    }
    opening.streams[lane] = stream;
    const { request, bulk } = opening.streams;
    if (request === undefined || bulk === undefined) return;
    opening.timer.cancel();
    this.#openings.delete(connection.id);
    this.#options.opened({ connection, request, bulk });
  }

  #fail(connection: Connection, reason: string, isRefusal: boolean): void {
    const opening = this.#openings.get(connection.id);
    if (opening === undefined) return;
    opening.timer.cancel();
    this.#openings.delete(connection.id);
    this.#options.failed(connection, reason, isRefusal);
  }
}
