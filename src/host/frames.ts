// Frames: how messages lie one behind the other in a stream of bytes.
//
//   | length, 4 bytes, the highest first | length bytes | length | ...
//
// A stream joins and cuts what is written to it as it likes. The writer puts the messages of one turn
// of the event loop side by side into one piece of memory, so that they leave in one write. The reader hands out
// views of what arrived wherever a frame lies whole in one piece, which is nearly always.

import { MalformedError } from "../base/malformed.ts";

/** What a length takes, in bytes. */
export const FRAME_HEADER_BYTES = 4;

const SMALLEST_ARENA_BYTES = 4 * 1024;
const LARGEST_ARENA_BYTES = 64 * 1024;

/** What is held at first of a frame that comes in pieces. */
const SMALLEST_PARTIAL_BYTES = 64 * 1024;

/** Collects frames. Memory that was handed out by `take` is never written again. */
export class FrameWriter {
  #arena = new Uint8Array(0);
  #arenaBytes = SMALLEST_ARENA_BYTES;
  #start = 0;
  #end = 0;
  #full: Uint8Array<ArrayBuffer>[] = [];
  #fullBytes = 0;

  /** How many bytes wait to be taken. */
  get pendingBytes(): number {
    return this.#fullBytes + this.#end - this.#start;
  }

  /** Copies a message behind the others. */
  add(message: Uint8Array): void {
    const length = message.length;
    if (this.#arena.length - this.#end < FRAME_HEADER_BYTES + length) this.#nextArena(length);
    const arena = this.#arena;
    let at = this.#end;
    arena[at++] = length >>> 24;
    arena[at++] = (length >>> 16) & 0xff;
    arena[at++] = (length >>> 8) & 0xff;
    arena[at++] = length & 0xff;
    arena.set(message, at);
    this.#end = at + length;
  }

  /** Takes the oldest piece of one or more whole frames, undefined if nothing waits. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const piece = this.#full.shift();
    if (piece !== undefined) {
      this.#fullBytes -= piece.length;
      return piece;
    }
    return this.#cut();
  }

  #cut(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#start === this.#end) return undefined;
    const piece = this.#arena.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return piece;
  }

  /** An arena that one turn has filled was too small: quiet peers keep small ones. */
  #nextArena(messageBytes: number): void {
    if (this.#start === 0 && this.#end > 0) {
      this.#arenaBytes = Math.min(this.#arenaBytes * 2, LARGEST_ARENA_BYTES);
    }
    const piece = this.#cut();
    if (piece !== undefined) {
      this.#full.push(piece);
      this.#fullBytes += piece.length;
    }
    this.#arena = new Uint8Array(Math.max(this.#arenaBytes, FRAME_HEADER_BYTES + messageBytes));
    this.#start = 0;
    this.#end = 0;
  }
}

/**
 * The same memory as a plain Uint8Array. What libp2p hands over may be a Buffer of Node's, whose `slice` gives a
 * view where everybody above expects a copy.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Takes a frame; returns false to hear of no further one. The bytes may be a view. */
export type FrameReceiver = (frame: Uint8Array) => boolean;

/** Finds the frames in what arrives. */
export class FrameReader {
  /** The longest frame that is taken, in bytes. */
  limitBytes: number;
  readonly #receive: FrameReceiver;
  #header = 0;
  #headerBytes = 0;
  #partial: Uint8Array | undefined;
  #partialBytes = 0;

  constructor(limitBytes: number, receive: FrameReceiver) {
    this.limitBytes = limitBytes;
    this.#receive = receive;
  }

  /** @throws {MalformedError} if a length is over the limit; nothing may be read afterwards */
  read(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#partial === undefined) {
        at = this.#readHeader(chunk, at);
        if (this.#headerBytes < FRAME_HEADER_BYTES) return;
        const length = this.#header;
        if (length > this.limitBytes) {
          throw new MalformedError(
            "frame",
            `it announces ${length} bytes, limit ${this.limitBytes}`,
          );
        }
        if (chunk.length - at >= length) {
          this.#headerBytes = 0;
          if (!this.#receive(chunk.subarray(at, at + length))) return;
          at += length;
          continue;
        }
        this.#partial = new Uint8Array(Math.min(length, SMALLEST_PARTIAL_BYTES));
        this.#partialBytes = 0;
      }
      at = this.#readPartial(chunk, at);
      if (at < 0) return;
    }
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    while (this.#headerBytes < FRAME_HEADER_BYTES && at < chunk.length) {
      if (this.#headerBytes === 0) this.#header = 0;
      this.#header = this.#header * 256 + chunk[at++]!;
      this.#headerBytes++;
    }
    return at;
  }

  /** Returns where to go on, −1 if the receiver wants no more. */
  #readPartial(chunk: Uint8Array, at: number): number {
    const length = this.#header;
    const part = chunk.subarray(at, at + length - this.#partialBytes);
    const partial = this.#partialWithRoomFor(this.#partialBytes + part.length);
    partial.set(part, this.#partialBytes);
    this.#partialBytes += part.length;
    if (this.#partialBytes < length) return at + part.length;
    this.#partial = undefined;
    this.#headerBytes = 0;
    return this.#receive(partial.subarray(0, length)) ? at + part.length : -1;
  }

  /** A length alone makes us hold little: the memory grows with what has come. */
  #partialWithRoomFor(neededBytes: number): Uint8Array {
    const partial = this.#partial!;
    if (neededBytes <= partial.length) return partial;
    const grown = new Uint8Array(Math.min(this.#header, Math.max(neededBytes, partial.length * 2)));
    grown.set(partial.subarray(0, this.#partialBytes));
    return this.#partial = grown;
  }
}
