// What comes through a socket and has not been used: one buffer, which grows with what is there.

import { assert } from "../../base/assert.ts";

/** Most heads fit, and many connections only wait. */
const FIRST_BYTES = 1024;

/** A buffer of this size any connection may have. */
export const INPUT_BYTES = 16 * 1024;

export class SocketInput {
  readonly #socket: Deno.TcpConn;
  readonly #limitBytes: number;
  #buffer = new Uint8Array(FIRST_BYTES);
  #start = 0;
  #end = 0;
  #isFilling = false;
  #interrupted: Error | undefined;
  #onInterrupt: ((reason: Error) => void) | undefined;

  /** @param limitBytes how much it may hold */
  constructor(socket: Deno.TcpConn, limitBytes: number) {
    this.#socket = socket;
    this.#limitBytes = limitBytes;
  }

  /** What is there. Good until the next call of another method. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  get isFull(): boolean {
    return this.length >= this.#limitBytes;
  }

  /** What the buffer takes beyond what any connection may have, in bytes. */
  get heldBytes(): number {
    return Math.max(0, this.#buffer.length - INPUT_BYTES);
  }

  /** Whether somebody waits for more. */
  get isFilling(): boolean {
    return this.#isFilling;
  }

  /** Says that the first `count` bytes have been used. */
  skip(count: number): void {
    this.#start += count;
    assert(this.#start <= this.#end, "Only what is there is used");
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Waits for more; false at the end of the stream.
   *
   * @throws what the socket throws, or the reason of an interruption
   */
  fill(): Promise<boolean> {
    if (this.#interrupted !== undefined) return Promise.reject(this.#interrupted);
    this.#makeRoom();
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#isFilling = true;
    this.#onInterrupt = reject;
    this.#socket.read(this.#buffer.subarray(this.#end)).then((count) => {
      this.#isFilling = false;
      if (count !== null) this.#end += count;
      resolve(count !== null);
    }, (error) => {
      this.#isFilling = false;
      reject(error);
    });
    return promise;
  }

  /** Makes the buffer large enough for what is about to come, up to what any connection may have. */
  reserve(bytes: number): void {
    const length = Math.min(bytes, INPUT_BYTES);
    if (length <= this.#buffer.length || this.#isFilling) return;
    const kept = this.bytes;
    this.#buffer = new Uint8Array(length);
    this.#buffer.set(kept);
    this.#start = 0;
    this.#end = kept.length;
  }

  /** Lets nobody wait for more, now or later. */
  interrupt(reason: Error): void {
    this.#interrupted ??= reason;
    this.#onInterrupt?.(reason);
  }

  /** Gives back a buffer that grew for one request. */
  shrink(): void {
    if (this.#buffer.length > FIRST_BYTES && this.length === 0 && !this.#isFilling) {
      this.#buffer = new Uint8Array(FIRST_BYTES);
    }
  }

  #makeRoom(): void {
    if (this.#end < this.#buffer.length) return;
    const { bytes } = this;
    if (this.#start === 0) {
      assert(this.#buffer.length < this.#limitBytes, "A full input is used before it is filled");
      this.#buffer = new Uint8Array(Math.min(this.#limitBytes, this.#buffer.length * 4));
    }
    this.#buffer.set(bytes);
    this.#start = 0;
    this.#end = bytes.length;
  }
}
