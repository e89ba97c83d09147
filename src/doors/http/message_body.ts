// The body of the request that a connection is in, piece by piece from its socket.

import type { MemoryAccount } from "../client_memory.ts";
import { ChunkReader } from "./chunks.ts";
import type { RequestBody } from "./message.ts";
import { badRequest } from "./problem.ts";
import type { BodyFraming } from "./request_head.ts";
import { INPUT_BYTES, type SocketInput } from "./socket_input.ts";

export class MessageBody implements RequestBody {
  readonly sizeBytes: number | undefined;
  readonly #input: SocketInput;
  readonly #account: MemoryAccount;
  readonly #chunks: ChunkReader | undefined;
  readonly #onFirstWait: () => Promise<void>;
  /** What is left of a body with a length. */
  #left: number;
  /** So many bytes of the input are the piece that was handed out last. */
  #given = 0;
  #hasWaited = false;

  /** @param onFirstWait called before the client is waited for: it may wait for a word itself */
  constructor(
    framing: BodyFraming,
    input: SocketInput,
    account: MemoryAccount,
    onFirstWait: () => Promise<void>,
  ) {
    this.#input = input;
    this.#account = account;
    this.#onFirstWait = onFirstWait;
    this.#chunks = framing === "chunked" ? new ChunkReader() : undefined;
    this.sizeBytes = framing === "chunked" ? undefined : framing;
    this.#left = framing === "chunked" ? 0 : framing;
  }

  async next(): Promise<Uint8Array | undefined> {
    this.#use();
    for (;;) {
      const piece = this.#piece();
      if (piece !== undefined) return piece;
      if (this.#isAtEnd()) return undefined;
      await this.#wait();
    }
  }

  interrupt(reason: Error): void {
    this.#input.interrupt(reason);
  }

  hold(bytes: number): boolean {
    return this.#account.hold(this.#input.heldBytes + bytes);
  }

  /** Passes over what has come and is not wanted; false if the end is not among it. */
  skip(): boolean {
    this.#use();
    try {
      while (this.#piece() !== undefined) this.#use();
    } catch {
      // Nobody wants the body, and its connection ends.
      return false;
    }
    return this.#isAtEnd();
  }

  #isAtEnd(): boolean {
    return this.#chunks === undefined ? this.#left === 0 : this.#chunks.isAtEnd;
  }

  #use(): void {
    this.#input.skip(this.#given);
    this.#given = 0;
  }

  /** The next piece of what has come. */
  #piece(): Uint8Array | undefined {
    const { bytes } = this.#input;
    if (this.#chunks === undefined) {
      this.#given = Math.min(this.#left, bytes.length);
      this.#left -= this.#given;
      return this.#given > 0 ? bytes.subarray(0, this.#given) : undefined;
    }
    const { used, piece } = this.#chunks.read(bytes);
    this.#input.skip(used - piece);
    this.#given = piece;
    return piece > 0 ? bytes.subarray(used - piece, used) : undefined;
  }

  async #wait(): Promise<void> {
    if (!this.#hasWaited) {
      this.#hasWaited = true;
      this.#input.reserve(this.#chunks === undefined ? this.#left : INPUT_BYTES);
      await this.#onFirstWait();
    }
    // Its client may have to give way while it is waited for.
    this.#account.isPinned = false;
    const hasMore = await this.#input.fill();
    this.#account.isPinned = true;
    if (!hasMore) {
      throw badRequest("The client went away before the end of its body");
    }
  }
}
