// A body in chunks, taken apart: each chunk has a line with its length in hexadecimal digits before it, the last one
// has the length 0, and behind that may be lines of a trailer, which are passed over.
//
// Source: RFC 9112, section 7.1, "Chunked Transfer Coding".

import { badRequest } from "./problem.ts";

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

/** The line before a chunk with its extensions, and all lines of the trailer, in bytes. */
const LINE_MAX = 256;
const TRAILER_MAX = 4096;

/** No body that is taken is longer than so many hexadecimal digits say. */
const DIGITS_MAX = 8;

/** What to read next. */
type State = "size" | "extension" | "size_end" | "data" | "data_cr" | "data_lf" | "trailer" | "end";

export class ChunkReader {
  #state: State = "size";
  /** Of the chunk: first its length while that is read, then what is left of it. */
  #left = 0;
  #digits = 0;
  #lineLength = 0;
  #trailerLength = 0;
  /** Characters in the line of the trailer that is being read, without CR. */
  #trailerLine = 0;

  get isAtEnd(): boolean {
    return this.#state === "end";
  }

  /**
   * Reads from the beginning of `bytes` up to the end of a piece of the body.
   *
   * @returns how many bytes were used, and the last so many of them are the piece: none if more must come
   * @throws {DenamoError} `bad_request`
   */
  read(bytes: Uint8Array): { readonly used: number; readonly piece: number } {
    let at = 0;
    while (at < bytes.length && this.#state !== "end") {
      if (this.#state === "data") {
        const piece = Math.min(this.#left, bytes.length - at);
        this.#left -= piece;
        if (this.#left === 0) this.#state = "data_cr";
        return { used: at + piece, piece };
      }
      this.#readByte(bytes[at++]!);
    }
    return { used: at, piece: 0 };
  }

  #readByte(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#readSize(byte);
      case "extension":
        if (byte === CR) this.#state = "size_end";
        else if (byte === LF || ++this.#lineLength > LINE_MAX) throw broken();
        return;
      case "size_end":
        if (byte !== LF) throw broken();
        this.#state = this.#left === 0 ? "trailer" : "data";
        this.#digits = 0;
        this.#lineLength = 0;
        return;
      case "data_cr":
        if (byte !== CR) throw broken();
        this.#state = "data_lf";
        return;
      case "data_lf":
        if (byte !== LF) throw broken();
        this.#state = "size";
        return;
      default:
        return this.#readTrailer(byte);
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== undefined) {
      if (++this.#digits > DIGITS_MAX) throw broken();
      this.#left = this.#left * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw broken();
    if (byte === CR) this.#state = "size_end";
    else if (byte === SEMICOLON) this.#state = "extension";
    else throw broken();
  }

  #readTrailer(byte: number): void {
    if (++this.#trailerLength > TRAILER_MAX) throw broken();
    if (byte === LF) {
      if (this.#trailerLine === 0) this.#state = "end";
      this.#trailerLine = 0;
    } else if (byte !== CR) {
      this.#trailerLine++;
    }
  }
}

function hexDigit(byte: number): number | undefined {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}

function broken(): Error {
  return badRequest("The chunks of the body are malformed");
}
