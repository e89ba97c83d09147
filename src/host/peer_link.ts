// One connection to one peer, from its two streams to its end.
//
// A link greets first (see greeting.ts) and carries messages when both sides have accepted. It then also
// proves that it lives: where nothing was sent for a while an empty frame goes out, and where nothing
// came for several times as long the connection is given up. TCP alone would take minutes to notice
// that a machine has vanished, and as long to go on after a network was cut and healed.

import type { Connection, Stream } from "@libp2p/interface";
import { MalformedError } from "../base/malformed.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Lane, PeerId, Refusal } from "../ports/network.ts";
import { LIMITS } from "../wire/limits.ts";
import {
  decodeGreetingFrame,
  encodeAccept,
  encodeHello,
  encodeRefusal,
  GREETING_LIMIT_BYTES,
  type GreetingFrame,
  type Hello,
} from "./greeting.ts";
import { LaneStream } from "./lane_stream.ts";
import type { TurnEnd } from "./turn_end.ts";

/** Waiting messages per peer, in bytes. */
export const QUEUE_BYTES = { request: 16 * 1024 * 1024, bulk: 16 * 1024 * 1024 } as const;

/** What one turn may send to one peer, in bytes. */
const TURN_BYTES = { request: 4 * 1024 * 1024, bulk: 256 * 1024 } as const;

const EMPTY_FRAME = new Uint8Array(0);

/** What a link tells its network. Nothing is called after `closed`. */
export interface LinkEvents {
  /** A greeting frame that only the network can answer. */
  greeted(link: PeerLink, frame: Exclude<GreetingFrame, { kind: "accept" }>): void;
  /** Both sides have accepted. */
  up(link: PeerLink): void;
  message(link: PeerLink, lane: Lane, bytes: Uint8Array): void;
  /** Called once, within the call or event that ended the link. */
  closed(link: PeerLink, reason: string, wasUp: boolean): void;
}

export interface LinkOptions {
  readonly connection: Connection;
  readonly request: Stream;
  readonly bulk: Stream;
  readonly turnEnd: TurnEnd;
  readonly clock: Clock;
  readonly events: LinkEvents;
  /** How long the greeting may take, in milliseconds. */
  readonly greetingTimeoutMs: number;
  /** After how long without anything sent a sign of life goes out, in milliseconds. */
  readonly keepAliveMs: number;
  /** After how many such times without anything heard the link is dead. */
  readonly keepAliveMisses: number;
}

export class PeerLink {
  readonly peer: PeerId;
  readonly connection: Connection;
  /** The hello that we sent here, and the one that came. */
  sent: Omit<Hello, "kind"> | undefined;
  received: Hello | undefined;
  /** A hello that came and waits until it is known whether another run of the peer lives. */
  contested: Hello | undefined;
  readonly #options: LinkOptions;
  readonly #request: LaneStream;
  readonly #bulk: LaneStream;
  #phase: "greeting" | "up" | "closed" = "greeting";
  #timer: Timer;
  #hasSent = false;
  #hasHeard = true;
  #silentTimes = 0;

  constructor(options: LinkOptions) {
    const { connection, turnEnd, clock } = options;
    this.#options = options;
    this.connection = connection;
    this.peer = connection.remotePeer.toString();
    const ended = (reason: string) => this.abort(reason);
    this.#request = new LaneStream(options.request, {
      turnEnd,
      queueBytes: QUEUE_BYTES.request,
      turnBytes: TURN_BYTES.request,
      frameBytes: GREETING_LIMIT_BYTES,
    }, { ended, frame: (bytes) => this.#onRequestFrame(bytes) });
    this.#bulk = new LaneStream(options.bulk, {
      turnEnd,
      queueBytes: QUEUE_BYTES.bulk,
      turnBytes: TURN_BYTES.bulk,
      // Nothing comes here before the greeting is over.
      frameBytes: 0,
    }, { ended, frame: (bytes) => this.#onMessage("bulk", bytes) });
    this.#timer = clock.after(options.greetingTimeoutMs, () => {
      this.abort(`It did not greet within ${options.greetingTimeoutMs} ms`);
    });
    this.#request.read();
    this.#bulk.read();
  }

  get isUp(): boolean {
    return this.#phase === "up";
  }

  get isOpen(): boolean {
    return this.#phase !== "closed";
  }

  sayHello(hello: Omit<Hello, "kind">): void {
    this.sent = hello;
    this.#request.send(encodeHello(hello));
  }

  /** Tells the peer that it is accepted; the link is up for us. */
  accept(): void {
    this.#request.send(encodeAccept());
    // Before any stream that is opened because the link is up: the peer must know it by then.
    this.#request.flush();
    this.#becomeUp();
  }

  /** Tells the peer why it is not accepted, with our hello if it may know it and does not, and closes. */
  refuse(refusal: Refusal, hello?: Omit<Hello, "kind">): void {
    this.#request.send(encodeRefusal(refusal, this.sent === undefined ? hello : undefined));
    this.close(refusal.message);
  }

  /** False if the link is not up or the lane's queue is full. */
  send(lane: Lane, bytes: Uint8Array): boolean {
    if (this.#phase !== "up") return false;
    this.#hasSent = true;
    return (lane === "request" ? this.#request : this.#bulk).send(bytes);
  }

  /** Ends the link; what has been sent still leaves, as far as the peer takes it. */
  close(reason: string): void {
    this.#request.flush();
    this.#bulk.flush();
    if (!this.#end(reason)) return;
    this.connection.close().catch((error: Error) => this.connection.abort(error));
  }

  /** Ends the link at once. */
  abort(reason: string): void {
    if (this.#end(reason)) this.connection.abort(new Error(reason));
  }

  #end(reason: string): boolean {
    if (this.#phase === "closed") return false;
    const wasUp = this.#phase === "up";
    this.#phase = "closed";
    this.#timer.cancel();
    this.#request.close();
    this.#bulk.close();
    this.#options.events.closed(this, reason, wasUp);
    return true;
  }

  #becomeUp(): void {
    if (this.#phase !== "greeting") return;
    this.#phase = "up";
    this.#request.frameBytes = LIMITS.message;
    this.#bulk.frameBytes = LIMITS.message;
    this.#timer.cancel();
    this.#keepAlive();
    this.#options.events.up(this);
  }

  #onRequestFrame(bytes: Uint8Array): boolean {
    if (this.#phase === "greeting") this.#onGreetingFrame(decodeGreetingFrame(bytes));
    else return this.#onMessage("request", bytes);
    return this.isOpen;
  }

  #onGreetingFrame(frame: GreetingFrame): void {
    if (frame.kind !== "accept") return this.#options.events.greeted(this, frame);
    if (this.sent === undefined || this.received === undefined) {
      throw new MalformedError("greeting", "it accepts before it was greeted");
    }
    this.#becomeUp();
  }

  #onMessage(lane: Lane, bytes: Uint8Array): boolean {
    if (this.#phase !== "up") throw new MalformedError("message", "it came before the greeting");
    this.#hasHeard = true;
    if (bytes.length > 0) this.#options.events.message(this, lane, bytes);
    return this.isOpen;
  }

  #keepAlive(): void {
    const { clock, keepAliveMs, keepAliveMisses } = this.#options;
    this.#timer = clock.after(keepAliveMs, () => {
      this.#silentTimes = this.#hasHeard ? 0 : this.#silentTimes + 1;
      if (this.#silentTimes >= keepAliveMisses) {
        return this.abort(`Nothing was heard for ${keepAliveMs * keepAliveMisses} ms`);
      }
      if (!this.#hasSent) this.#request.send(EMPTY_FRAME);
      this.#hasHeard = false;
      this.#hasSent = false;
      this.#keepAlive();
    });
  }
}
