// One lane to one peer: a long-lived libp2p stream that carries frames.
//
// Every write costs an encryption, a few writes to the socket and a window update from the other side, so the
// messages of one turn of the event loop leave together. What the stream does not take at once
// waits here, up to a limit in bytes; past it `send` says no, and whoever sends must do with less.

import type { Stream } from "@libp2p/interface";
import { MalformedError } from "../base/malformed.ts";
import { FRAME_HEADER_BYTES, FrameReader, FrameWriter, plainBytes } from "./frames.ts";
import type { TurnEnd } from "./turn_end.ts";

/** What happens on a lane. */
export interface LaneEvents {
  /** A frame has arrived; false stops the reading for good. The bytes may be a view. */
  frame(bytes: Uint8Array): boolean;
  /** The lane cannot be used any longer. May be called more than once. */
  ended(reason: string): void;
}

export interface LaneOptions {
  readonly turnEnd: TurnEnd;
  /** How many bytes may wait to be sent. */
  readonly queueBytes: number;
  /** At most so many bytes per turn, so that a bulk lane leaves room for requests. */
  readonly turnBytes: number;
  /** The longest frame that is taken, in bytes. */
  readonly frameBytes: number;
}

export class LaneStream {
  readonly #stream: Stream;
  readonly #events: LaneEvents;
  readonly #options: LaneOptions;
  readonly #writer = new FrameWriter();
  readonly #reader: FrameReader;
  readonly #flush = () => this.#write();
  #isScheduled = false;
  #isOpen = true;

  constructor(stream: Stream, options: LaneOptions, events: LaneEvents) {
    this.#stream = stream;
    this.#events = events;
    this.#options = options;
    this.#reader = new FrameReader(options.frameBytes, (frame) => events.frame(frame));
    stream.addEventListener("drain", this.#onDrain);
    stream.addEventListener("close", (event) => {
      this.#end(event.error === undefined ? "the stream was closed" : event.error.message);
    });
    stream.addEventListener("remoteCloseWrite", () => this.#end("the other side has closed"));
  }

  /** Begins to read. Until then libp2p keeps what arrives. */
  read(): void {
    this.#stream.addEventListener("message", (event) => this.#take(event.data));
  }

  /** Takes longer or shorter frames from the next one on. */
  set frameBytes(limit: number) {
    this.#reader.limitBytes = limit;
  }

  /** Copies a message to be sent at the end of this turn; false if the queue is full or the lane ended. */
  send(bytes: Uint8Array): boolean {
    if (!this.#isOpen) return false;
    const waiting = this.#writer.pendingBytes + this.#stream.writeBufferLength;
    if (waiting + FRAME_HEADER_BYTES + bytes.length > this.#options.queueBytes) return false;
    this.#writer.add(bytes);
    this.#schedule();
    return true;
  }

  /** Writes what waits, as far as the stream takes it, without waiting for the end of the turn. */
  flush(): void {
    if (this.#isOpen) this.#write();
  }

  /** Reads and sends no more. The stream itself is left to its connection. */
  close(): void {
    this.#isOpen = false;
    this.#stream.removeEventListener("drain", this.#onDrain);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#stream.writableNeedsDrain) return;
    this.#isScheduled = true;
    this.#options.turnEnd.addLane(this.#flush);
  }

  #write(): void {
    this.#isScheduled = false;
    let left = this.#options.turnBytes;
    while (this.#isOpen && !this.#stream.writableNeedsDrain) {
      if (left <= 0) {
        if (this.#writer.pendingBytes > 0) this.#schedule();
        return;
      }
      const piece = this.#writer.take();
      if (piece === undefined) return;
      left -= piece.length;
      try {
        this.#stream.send(piece);
      } catch (error) {
        this.#end(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** The stream first sends what it holds itself, in a microtask; we follow at the end of the turn. */
  readonly #onDrain = () => {
    if (this.#writer.pendingBytes === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.turnEnd.addLane(this.#flush);
  };

  #take(data: Uint8Array | Iterable<Uint8Array>): void {
    if (!this.#isOpen) return;
    try {
      if (data instanceof Uint8Array) return this.#reader.read(plainBytes(data));
      for (const chunk of data) {
        this.#reader.read(plainBytes(chunk));
        if (!this.#isOpen) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#end(error.message);
    }
  }

  #end(reason: string): void {
    if (!this.#isOpen) return;
    this.close();
    this.#events.ended(reason);
  }
}
