// Fewer writes to the socket.
//
// Left alone, one small message costs four: Noise hands over the length and the ciphertext of a frame as two
// pieces, each written by itself, and yamux answers every frame with a window update, in two
// pieces more. Here the pieces of one turn are joined and written once. What libp2p's TCP connections do with
// them, and when they drain and close, stays as it is.

import type { MultiaddrConnection, Transport, Upgrader } from "@libp2p/interface";
import { concatBytes } from "../base/bytes.ts";
import type { TurnEnd } from "./turn_end.ts";

/** Larger pieces are written by themselves: copying them would cost more than a write. */
const LARGE_BYTES = 16 * 1024;

/** What libp2p's connections have beside their public face. */
interface Writable extends MultiaddrConnection {
  sendData(pieces: Iterable<Uint8Array>): { sentBytes: number; canSendMore: boolean };
  sendClose(options?: unknown): Promise<void>;
}

/** A transport like `make`, whose connections write once per turn. */
export function joinWrites<Components>(
  make: (components: Components) => Transport,
  turnEnd: TurnEnd,
): (components: Components) => Transport {
  return (components) => {
    const transport = make(components);
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    transport.dial = (address, options) => {
      return dial(address, { ...options, upgrader: joining(options.upgrader, turnEnd) });
    };
    transport.createListener = (options) => {
      return createListener({ ...options, upgrader: joining(options.upgrader, turnEnd) });
    };
    return transport;
  };
}

/** An upgrader is handed every connection before anything is written to it. */
function joining(upgrader: Upgrader, turnEnd: TurnEnd): Upgrader {
  const join = (connection: MultiaddrConnection) => joinWritesOf(connection as Writable, turnEnd);
  const upgradeInbound: Upgrader["upgradeInbound"] = (connection, options) =>
    upgrader.upgradeInbound(join(connection), options);
  const upgradeOutbound = (
    connection: MultiaddrConnection,
    options: Parameters<Upgrader["upgradeOutbound"]>[1],
  ) => upgrader.upgradeOutbound(join(connection), options);
  return Object.assign(Object.create(upgrader) as Upgrader, { upgradeInbound, upgradeOutbound });
}

function joinWritesOf(connection: Writable, turnEnd: TurnEnd): Writable {
  const write = connection.sendData.bind(connection);
  const close = connection.sendClose.bind(connection);
  let pieces: Uint8Array[] = [];
  let isScheduled = false;
  let isFull = false;

  const flush = () => {
    isScheduled = false;
    const due = pieces;
    pieces = [];
    if (connection.status !== "open" && connection.status !== "closing") return;
    for (const piece of joined(due)) isFull = !write([piece]).canSendMore;
  };

  connection.sendData = (list) => {
    let sentBytes = 0;
    for (const piece of list) {
      pieces.push(piece);
      sentBytes += piece.length;
    }
    if (!isScheduled) {
      isScheduled = true;
      turnEnd.addSocket(flush);
    }
    return { sentBytes, canSendMore: !isFull };
  };
  connection.sendClose = (options) => {
    flush();
    return close(options);
  };
  connection.addEventListener("drain", () => isFull = false);
  return connection;
}

/** Puts neighbouring small pieces together. */
function* joined(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let start = 0;
  for (let at = 0; at < pieces.length; at++) {
    if (pieces[at]!.length < LARGE_BYTES) continue;
    if (start < at) yield concatBytes(pieces.slice(start, at));
    yield pieces[at]!;
    start = at + 1;
  }
  if (start < pieces.length) yield concatBytes(pieces.slice(start));
}
