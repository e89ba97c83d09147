// A peer that speaks libp2p and our protocol, and says in both what it likes.
//
// It greets as a node does if it is told to, with any words, and then sends requests, answers, gossip and
// plain bytes. It answers requests only as the test says.

import "../../src/host/broadcast_channel.ts";
import { generateKeyPair } from "@libp2p/crypto/keys";
import type { Connection, Ed25519PrivateKey, Stream } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { FrameReader, FrameWriter, plainBytes } from "../../src/host/frames.ts";
import { encodeAccept, encodeHello } from "../../src/host/greeting.ts";
import { protocolOf } from "../../src/host/stream_opener.ts";
import type { Lane } from "../../src/ports/network.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import {
  decodeMessage,
  encodeAnswer,
  encodeRequest,
  type IncomingMessage,
  type IncomingRequest,
  type Method,
} from "../../src/wire/message_codec.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { GOSSIP_PROTOCOL, joinWords, publishWords } from "./gossip_words.ts";

/** Libp2p gives up a window that the other side never opens; ours is as a node's. */
const WINDOW_BYTES = 1024 * 1024;

export class HostilePeer implements AsyncDisposable {
  readonly id: string;
  readonly privateKey: Ed25519PrivateKey;
  readonly #node: Libp2p;

  private constructor(node: Libp2p, privateKey: Ed25519PrivateKey) {
    this.#node = node;
    this.privateKey = privateKey;
    this.id = node.peerId.toString();
  }

  /**
   * Makes one with a key that was drawn now, or with the given one.
   *
   * @param side `speaks`: its id is above those of `others`, so it greets first; `listens`: below
   */
  static async make(
    others: readonly string[] = [],
    side: "speaks" | "listens" = "speaks",
    privateKey?: Ed25519PrivateKey,
  ): Promise<HostilePeer> {
    let key = privateKey ?? await generateKeyPair("Ed25519");
    const isAside = () => {
      const id = peerIdFromPrivateKey(key).toString();
      return others.every((other) => side === "speaks" ? id > other : id < other);
    };
    while (privateKey === undefined && !isAside()) key = await generateKeyPair("Ed25519");
    const node = await createLibp2p({
      privateKey: key,
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ streamOptions: { initialStreamWindowSize: WINDOW_BYTES } })],
      connectionMonitor: { enabled: false },
      connectionManager: { maxConnections: 10_000 },
    });
    // A node opens its stream for gossip to everybody it has let in. What it tells there is not heard.
    await node.handle(GOSSIP_PROTOCOL, (stream) => stream.addEventListener("message", () => {}));
    return new HostilePeer(node, key);
  }

  /** Connects anew and opens both lanes, without a word. */
  async connect(address: string): Promise<HostileLink> {
    const connection = await this.#node.dial(multiaddr(address), { force: true });
    const link = new HostileLink(this, connection);
    await link.open();
    return link;
  }

  /** Connects and greets. @throws if it is not let in before the deadline */
  async enter(address: string, cluster: string, greeting: Uint8Array): Promise<HostileLink> {
    const link = await this.connect(address);
    await link.greet(cluster, greeting);
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#node.getConnections()) {
      connection.abort(new Error("It has ended"));
    }
    await this.#node.stop();
  }
}

/** Draws the id of a peer that does not exist. */
export async function inventedPeerId(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair("Ed25519")).toString();
}

/** What a peer answers: a result, any bytes, or undefined for nothing. */
export type HostileAnswer = (
  request: IncomingRequest,
) => readonly unknown[] | Uint8Array | undefined;

export class HostileLink {
  readonly peer: HostilePeer;
  /** What has come since it was let in, as far as nobody waited for it. */
  heardCount = 0;
  answers: HostileAnswer = () => undefined;
  /** Called with every answer and failure. */
  replies: (message: IncomingMessage) => void = () => {};
  readonly #connection: Connection;
  readonly #open = new Map<number, (message: IncomingMessage) => void>();
  #lanes: Record<Lane, Stream> | undefined;
  #gossip: Promise<Stream> | undefined;
  /** The kinds of greeting frames that came, by their first bytes. */
  #greeted: number[] = [];
  #isIn = false;
  #lastId = 0;
  #sequence = 0n;

  constructor(peer: HostilePeer, connection: Connection) {
    this.peer = peer;
    this.#connection = connection;
  }

  get isOpen(): boolean {
    return this.#connection.status === "open" &&
      this.#lanes?.request.status === "open" && this.#lanes.bulk.status === "open";
  }

  get remotePeer(): string {
    return this.#connection.remotePeer.toString();
  }

  async open(): Promise<void> {
    this.#lanes = {
      request: await this.#connection.newStream(protocolOf("request")),
      bulk: await this.#connection.newStream(protocolOf("bulk")),
    };
    for (const lane of ["request", "bulk"] as const) {
      const reader = new FrameReader(LIMITS.message, (frame) => {
        this.#hear(frame, lane);
        return true;
      });
      this.#lanes[lane].addEventListener("message", ({ data }) => {
        if (data instanceof Uint8Array) reader.read(plainBytes(data));
        else for (const chunk of data) reader.read(plainBytes(chunk));
      });
    }
  }

  /** Says hello and accepts, in the order that the ids of both command. */
  async greet(cluster: string, greeting: Uint8Array): Promise<void> {
    const speaksFirst = this.peer.id > this.remotePeer;
    const instance = this.peer.id;
    const said = { cluster, instance, startedMs: Date.now(), number: 1, holds: 0, greeting };
    const hello = encodeHello(said);
    if (!speaksFirst) await this.#untilGreeted(HELLO);
    this.send(hello);
    await this.#untilGreeted(speaksFirst ? HELLO : ACCEPT);
    this.#isIn = true;
    if (speaksFirst) this.send(encodeAccept());
  }

  /** Sends one frame. */
  send(frame: Uint8Array, lane: Lane = "request"): void {
    const writer = new FrameWriter();
    writer.add(frame);
    this.bytes(writer.take()!, lane);
  }

  /** Sends bytes that may be no frame. A link that has ended takes them and does nothing. */
  bytes(bytes: Uint8Array, lane: Lane = "request"): void {
    if (this.isOpen) this.#lanes![lane].send(bytes);
  }

  /** Sends bytes and waits until there is room for more; false if the link has ended. */
  async bytesWhenRoom(bytes: Uint8Array, lane: Lane): Promise<boolean> {
    const stream = this.#lanes![lane];
    if (!this.isOpen) return false;
    if (stream.send(bytes)) return true;
    await new Promise<void>((resolve) => {
      const done = () => {
        stream.removeEventListener("drain", done);
        stream.removeEventListener("close", done);
        resolve();
      };
      stream.addEventListener("drain", done);
      stream.addEventListener("close", done);
    });
    return this.isOpen;
  }

  /** Ids of requests must rise on a link. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Asks; resolves with the answer or the failure, undefined if the link ends before. */
  async call(
    method: Method | number,
    args: readonly unknown[],
    lane: Lane = "request",
  ): Promise<IncomingMessage | undefined> {
    const id = this.nextId();
    let reply: IncomingMessage | undefined;
    this.#open.set(id, (message) => reply = message);
    this.send(encodeRequest(id, method as Method, TIMEOUT_MS, args).slice(), lane);
    await waitFor(`the answer to method ${method}`, () => reply !== undefined || !this.isOpen);
    this.#open.delete(id);
    return reply;
  }

  /** Awaits the answer to a request that is sent as bytes; false if the link ends before, or there is none in time. */
  answered(id: number, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const stream = this.#lanes!.request;
      const end = (isAnswered: boolean) => {
        clearTimeout(timer);
        this.#open.delete(id);
        stream.removeEventListener("close", closed);
        resolve(isAnswered);
      };
      const closed = () => end(false);
      const timer = setTimeout(() => end(false), timeoutMs);
      stream.addEventListener("close", closed);
      this.#open.set(id, () => end(true));
      if (!this.isOpen) end(false);
    });
  }

  /**
   * Publishes to all, through the peer at the other end.
   *
   * @param origin who is said to be the origin: this peer unless another id is given
   */
  async publish(cluster: string, data: Uint8Array, origin?: string): Promise<void> {
    const words = await publishWords({
      cluster,
      data,
      privateKey: this.peer.privateKey,
      origin: origin ?? this.peer.id,
      sequence: ++this.#sequence,
    });
    const stream = await this.#gossipStream(cluster);
    if (stream.status === "open") stream.send(words);
  }

  /** Sends bytes where gossip is sent, that may be none. */
  async gossipBytes(cluster: string, bytes: Uint8Array): Promise<void> {
    const stream = await this.#gossipStream(cluster);
    if (stream.status === "open") stream.send(bytes);
  }

  /** Ends the connection in the middle of whatever it does. */
  drop(): void {
    this.#connection.abort(new Error("It drops the connection"));
  }

  #gossipStream(cluster: string): Promise<Stream> {
    return this.#gossip ??= this.#connection.newStream(GOSSIP_PROTOCOL).then((stream) => {
      stream.send(joinWords(cluster));
      return stream;
    });
  }

  async #untilGreeted(kind: number): Promise<void> {
    await waitFor(`greeting frame ${kind} of ${this.remotePeer}`, () => {
      if (this.#greeted.includes(REFUSAL)) throw new Error(`${this.remotePeer} refuses us`);
      if (!this.isOpen) throw new Error(`${this.remotePeer} has closed the connection`);
      return this.#greeted.includes(kind);
    });
  }

  #hear(frame: Uint8Array, lane: Lane): void {
    if (!this.#isIn) {
      // With the accept it is in, and what follows in the same chunk are messages.
      this.#greeted.push(frame[0]!);
      if (frame[0] === ACCEPT) this.#isIn = true;
      return;
    }
    if (frame.length === 0) return;
    this.heardCount++;
    const message = decodeMessage(frame.slice());
    if (message.kind === "request") {
      const answer = this.answers(message);
      if (answer instanceof Uint8Array) this.send(answer, lane);
      else if (answer !== undefined) this.send(encodeAnswer(message.id, answer).slice(), lane);
    } else {
      this.replies(message);
      this.#open.get(message.id)?.(message);
    }
  }
}

const HELLO = 1;
const ACCEPT = 2;
const REFUSAL = 4;
const TIMEOUT_MS = 5_000;
