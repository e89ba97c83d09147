// A peer that speaks libp2p and does with our protocol what it likes.

import "../../src/host/broadcast_channel.ts";
import { generateKeyPair } from "@libp2p/crypto/keys";
import type { Connection, Stream } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { RPC } from "@libp2p/gossipsub/message";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { ByteReader } from "../../src/base/byte_reader.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { FrameReader, FrameWriter, plainBytes } from "../../src/host/frames.ts";
import {
  decodeGreetingFrame,
  encodeHello,
  type GreetingFrame,
  type Hello,
} from "../../src/host/greeting.ts";
import { answerSigns } from "../../src/host/identity_watch.ts";
import { protocolOf } from "../../src/host/stream_opener.ts";
import { LIMITS } from "../../src/wire/limits.ts";

export class RudePeer {
  readonly id: string;
  readonly #node: Libp2p;

  constructor(node: Libp2p) {
    this.#node = node;
    this.id = node.peerId.toString();
  }

  /** Makes one whose id is larger than `below`: it has to say hello first. */
  static async make(below: string): Promise<RudePeer> {
    let privateKey = await generateKeyPair("Ed25519");
    while (peerIdFromPrivateKey(privateKey).toString() < below) {
      privateKey = await generateKeyPair("Ed25519");
    }
    return new RudePeer(
      await createLibp2p({
        privateKey,
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionMonitor: { enabled: false },
      }),
    );
  }

  /** Shows from now on that its process lives, whichever of its connections it is asked on. */
  answerSigns(): Promise<void> {
    return answerSigns(this.#node, { instance: "rude", startedMs: 1 });
  }

  /** Hears what comes over gossip from everybody that it is connected to. */
  async hearGossip(heard: (rpc: RPC) => void): Promise<void> {
    await this.#node.handle(GOSSIP_PROTOCOL, (stream) => {
      let pending = new Uint8Array(0);
      stream.addEventListener("message", ({ data }) => {
        for (const chunk of data instanceof Uint8Array ? [data] : data) {
          pending = Uint8Array.of(...pending, ...chunk);
        }
        for (;;) {
          const rpc = cutPrefixed(pending);
          if (rpc === undefined) return;
          pending = rpc.rest;
          heard(RPC.decode(rpc.bytes));
        }
      });
    });
  }

  /** Connects anew, though there may be a connection. */
  async connect(address: string): Promise<RudeConnection> {
    return new RudeConnection(await this.#node.dial(multiaddr(address), { force: true }));
  }

  /** Connects and opens both lanes. */
  async open(address: string): Promise<RudeConnection> {
    const connection = await this.connect(address);
    await connection.open();
    return connection;
  }

  async stop(): Promise<void> {
    await this.#node.stop();
  }
}

export class RudeConnection {
  /** What came as greeting frames, and the messages after the first accepted hello. */
  readonly greeted: GreetingFrame[] = [];
  readonly heard: Uint8Array[] = [];
  readonly #connection: Connection;
  #request: Stream | undefined;
  #bulk: Stream | undefined;
  #hasAccepted = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get isClosed(): boolean {
    return this.#connection.status !== "open";
  }

  async open(): Promise<void> {
    this.#request = await this.#connection.newStream(protocolOf("request"));
    this.#bulk = await this.#connection.newStream(protocolOf("bulk"));
    const reader = new FrameReader(LIMITS.message, (frame) => {
      if (this.#hasAccepted) this.heard.push(frame.slice());
      else this.greeted.push(decodeGreetingFrame(frame.slice()));
      return true;
    });
    this.#request.addEventListener("message", ({ data }) => {
      if (data instanceof Uint8Array) reader.read(plainBytes(data));
      else for (const chunk of data) reader.read(plainBytes(chunk));
    });
  }

  hello(fields: Partial<Hello> = {}): void {
    this.frame(encodeHello({
      cluster: "test",
      instance: "rude",
      startedMs: 1,
      number: 1,
      holds: 0,
      greeting: Uint8Array.of(1),
      ...fields,
    }));
  }

  accept(): void {
    this.#hasAccepted = true;
    this.frame(Uint8Array.of(2));
  }

  frame(bytes: Uint8Array): void {
    const writer = new FrameWriter();
    writer.add(bytes);
    this.bytes(writer.take()!);
  }

  /** Bytes that may be no frame. */
  bytes(bytes: Uint8Array, lane: "request" | "bulk" = "request"): void {
    (lane === "request" ? this.#request : this.#bulk)!.send(bytes);
  }

  /** Opens a gossip stream, on which it subscribes to a topic. Returns what sends further messages. */
  async gossip(topic: string): Promise<(messages: RPC.Message[]) => void> {
    const stream = await this.stream(GOSSIP_PROTOCOL);
    const send = (rpc: RPC) => void stream.send(prefixed(RPC.encode(rpc)));
    send({ subscriptions: [{ subscribe: true, topic }], messages: [] });
    return (messages) => send({ subscriptions: [], messages });
  }

  /** Opens a stream of another protocol. */
  stream(protocol: string): Promise<Stream> {
    return this.#connection.newStream(protocol);
  }
}

const GOSSIP_PROTOCOL = "/meshsub/1.2.0";

/** Bytes behind their length, as gossipsub frames them. */
function prefixed(bytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writer.bytes(bytes);
  return writer.finish();
}

/** The first frame and what follows it; undefined if it has not arrived as a whole. */
function cutPrefixed(bytes: Uint8Array) {
  try {
    const reader = new ByteReader(bytes, "gossip");
    return { bytes: reader.bytes().slice(), rest: bytes.slice(bytes.length - reader.remaining) };
  } catch {
    return undefined;
  }
}
