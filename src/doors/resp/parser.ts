// The stream of bytes of one client, taken apart into commands.
//
// A client sends arrays of bulk strings (`*2 $3 GET $1 k`, each part ended by CRLF) or plain lines. Bytes
// come in chunks that are cut anywhere. Each byte is looked at once: where a chunk ends within a
// number, the number so far is kept; where it ends within an argument, the next chunk goes on filling that. An
// argument that lies whole in a chunk is a view of it.
//
// A length that a client announces costs nothing until the bytes come: the memory of a long argument grows with
// what has come of it, and `heldBytes` tells what the half command takes, so that its connection can be charged.
//
// A command that is larger than the node takes is read away, piece by piece and without keeping any, and comes out as
// an error in its place: the connection goes on with the next command.
//
// Contract: feed() a chunk, call next() until it returns undefined, feed() the next. The arguments of a
// command are good until the next feed(). After a ProtocolError the parser is at an end.
//
// Source: "Redis serialization protocol specification", sending commands to a server.

import { assert } from "../../base/assert.ts";
import { EMPTY } from "../../base/bytes.ts";
import { TooLargeError } from "../../wire/errors.ts";
import { splitInline } from "./inline.ts";
import { ELEMENT_BYTES, RESP_LIMITS } from "./resp_limits.ts";

/** The client sent what is no command: its connection must end. The message is as Redis words it. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  constructor(problem: string) {
    super(`Protocol error: ${problem}`);
  }
}

export interface ParserLimits {
  readonly argumentCount: number;
  /** Sizes in bytes. What is larger is read away up to here: beyond it the protocol is broken. */
  readonly announced: number;
  readonly argument: number;
  readonly command: number;
  readonly inline: number;
}

const CR = 13;
const LF = 10;
const MINUS = 45;
const ZERO = 48;
const DOLLAR = 36;
const STAR = 42;

/** What the parser expects next. */
const COMMAND = 0;
const COUNT = 1;
const ARGUMENT = 2;
const LENGTH = 3;
const BODY = 4;
const BODY_END = 5;
const LINE = 6;
const SKIP = 7;
const BROKEN = 8;

/** More digits than any number within the limits has. */
const DIGITS_MAX = 15;

/** An argument that comes in parts gets so much memory at first: about as much as has come with its beginning. */
const FIRST_BODY_BYTES = 16 * 1024;

export class CommandParser {
  readonly #limits: ParserLimits;
  #state = COMMAND;
  #chunk: Uint8Array = EMPTY;
  #at = 0;

  #arguments: Uint8Array[] = [];
  #missing = 0;
  #commandBytes = 0;
  /** So many of the arguments are no views of the chunk. */
  #owned = 0;

  /** Why the command is read away; undefined while it is kept. */
  #excess: TooLargeError | undefined;
  /** So much of an argument is still to be read away. */
  #skipBytes = 0;

  // A number that is being read.
  #value = 0;
  #digits = 0;
  #isNegative = false;
  #sawCr = false;

  // An argument that goes on in the next chunk, or a line that does: what has come of it, in what it has of memory.
  #body: Uint8Array = EMPTY;
  #filled = 0;
  /** How long that argument will be. */
  #bodyLength = 0;
  /** What the arguments that are no views of the chunk take. */
  #ownedBytes = 0;

  constructor(limits: ParserLimits = RESP_LIMITS) {
    this.#limits = limits;
  }

  /** Hands over the next bytes. They must not change until next() has returned undefined. */
  feed(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, "The parser has read its chunk to the end");
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next command: at least one argument, the first is its name; an error for one that was too large and has been
   * read away. Undefined: feed more.
   *
   * @throws {ProtocolError}
   */
  next(): Uint8Array[] | TooLargeError | undefined {
    try {
      return this.#next();
    } catch (error) {
      this.drop();
      throw error;
    }
  }

  /** Whether every byte of the chunk was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#chunk.length;
  }

  /** Whether a command has begun that is not whole yet. */
  get isWithinCommand(): boolean {
    return this.#state !== COMMAND && this.#state !== BROKEN;
  }

  /** The memory that the command which has begun takes, besides the chunk. In bytes; 0 between commands. */
  get heldBytes(): number {
    if (this.#state === COMMAND) return 0;
    return this.#ownedBytes + this.#body.length + this.#arguments.length * ELEMENT_BYTES;
  }

  /** Forgets the command that has begun. The parser is at an end. */
  drop(): void {
    this.#endCommand();
    this.#body = EMPTY;
    this.#at = this.#chunk.length;
    this.#state = BROKEN;
  }

  /**
   * Where more of a long argument belongs, if next() stopped within one: read into it instead of
   * a chunk, then call {@linkcode CommandParser.filled}. So long values are not copied from chunks.
   */
  unfilled(): Uint8Array | undefined {
    return this.#state === BODY ? this.#body.subarray(this.#filled) : undefined;
  }

  /** Says that the first `count` bytes of {@linkcode CommandParser.unfilled} have been read. */
  filled(count: number): void {
    this.#filled += count;
    assert(this.#state === BODY && this.#filled <= this.#body.length, "The body has this room");
    if (this.#filled === this.#bodyLength) this.#endBody();
    else if (this.#filled === this.#body.length) this.#growBody();
  }

  #next(): Uint8Array[] | TooLargeError | undefined {
    while (this.#at < this.#chunk.length) {
      switch (this.#state) {
        case COMMAND:
          if (this.#chunk[this.#at] === STAR) {
            this.#at++;
            this.#state = COUNT;
          } else {
            this.#filled = 0;
            this.#state = LINE;
          }
          break;
        case COUNT: {
          const count = this.#number("multibulk");
          if (count !== undefined) this.#beginCommand(count);
          break;
        }
        case ARGUMENT: {
          const byte = this.#chunk[this.#at++]!;
          if (byte !== DOLLAR) {
            throw new ProtocolError(`expected '$', got '${String.fromCharCode(byte)}'`);
          }
          this.#state = LENGTH;
          break;
        }
        case LENGTH: {
          const length = this.#number("bulk");
          if (length !== undefined) this.#beginBody(length);
          break;
        }
        case BODY:
          this.#fillBody();
          break;
        case SKIP:
          this.#skipBody();
          break;
        case BODY_END: {
          if (!this.#endsLine()) break;
          if (--this.#missing > 0) {
            this.#state = ARGUMENT;
            break;
          }
          const command = this.#excess ?? this.#arguments;
          this.#endCommand();
          return command;
        }
        case LINE: {
          const command = this.#line();
          if (command !== undefined) return command;
          break;
        }
        default:
          throw new ProtocolError("the connection has ended");
      }
    }
    this.#keepArguments();
    return undefined;
  }

  /** Goes on with a number up to its CRLF; undefined if the chunk ends before. */
  #number(what: "multibulk" | "bulk"): number | undefined {
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      const byte = chunk[this.#at++]!;
      if (this.#sawCr) {
        if (byte !== LF || this.#digits === 0) throw invalidLength(what);
        const value = this.#isNegative ? -this.#value : this.#value;
        this.#value = 0;
        this.#digits = 0;
        this.#isNegative = false;
        this.#sawCr = false;
        return value;
      }
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9) {
        // No zero before other digits, as Redis reads numbers.
        if (this.#digits > 0 && this.#value === 0) throw invalidLength(what);
        if (++this.#digits > DIGITS_MAX) throw invalidLength(what);
        this.#value = this.#value * 10 + digit;
      } else if (byte === CR) {
        this.#sawCr = true;
      } else if (byte === MINUS && this.#digits === 0 && !this.#isNegative) {
        this.#isNegative = true;
      } else {
        throw invalidLength(what);
      }
    }
    return undefined;
  }

  #beginCommand(count: number): void {
    if (count > this.#limits.argumentCount) {
      throw invalidLength("multibulk", `${count}, limit ${this.#limits.argumentCount}`);
    }
    // An empty array is no command and gets no reply.
    this.#state = count > 0 ? ARGUMENT : COMMAND;
    this.#missing = count;
  }

  #beginBody(length: number): void {
    if (length < 0) throw invalidLength("bulk");
    if (length > this.#limits.announced) {
      throw invalidLength("bulk", `${length} bytes, limit ${this.#limits.announced}`);
    }
    this.#commandBytes += length;
    this.#checkSize(length);
    if (this.#excess !== undefined) {
      this.#skipBytes = length;
      this.#state = length > 0 ? SKIP : BODY_END;
      return;
    }
    const end = this.#at + length;
    if (end <= this.#chunk.length) {
      this.#arguments.push(length === 0 ? EMPTY : this.#chunk.subarray(this.#at, end));
      this.#at = end;
      this.#state = BODY_END;
    } else {
      this.#bodyLength = length;
      this.#body = new Uint8Array(Math.min(length, FIRST_BODY_BYTES));
      this.#filled = 0;
      this.#state = BODY;
    }
  }

  /** Gives up a command that has become too large, and what it has taken so far. */
  #checkSize(length: number): void {
    if (this.#excess !== undefined) return;
    const { argument, command } = this.#limits;
    if (length > argument) this.#excess = new TooLargeError("The argument", argument, length);
    else if (this.#commandBytes > command) {
      this.#excess = new TooLargeError("The command", command, this.#commandBytes);
    } else return;
    this.#arguments = [];
    this.#owned = 0;
    this.#ownedBytes = 0;
  }

  #skipBody(): void {
    const count = Math.min(this.#skipBytes, this.#chunk.length - this.#at);
    this.#at += count;
    this.#skipBytes -= count;
    if (this.#skipBytes === 0) this.#state = BODY_END;
  }

  /** More memory for an argument of which so much has come as there was: four times, or it is copied too often. */
  #growBody(): void {
    const grown = new Uint8Array(Math.min(this.#bodyLength, this.#body.length * 4));
    grown.set(this.#body);
    this.#body = grown;
  }

  #fillBody(): void {
    const count = Math.min(this.#body.length - this.#filled, this.#chunk.length - this.#at);
    this.#body.set(this.#chunk.subarray(this.#at, this.#at + count), this.#filled);
    this.#at += count;
    this.filled(count);
  }

  #endBody(): void {
    this.#keepArguments();
    this.#arguments.push(this.#body);
    this.#owned = this.#arguments.length;
    this.#ownedBytes += this.#body.length;
    this.#body = EMPTY;
    this.#state = BODY_END;
  }

  /** Reads CR and LF, which may be in two chunks. */
  #endsLine(): boolean {
    const byte = this.#chunk[this.#at++];
    if (byte !== (this.#sawCr ? LF : CR)) throw new ProtocolError("expected CRLF after bulk");
    this.#sawCr = !this.#sawCr;
    return !this.#sawCr;
  }

  /** Goes on with an inline command up to its LF; undefined if there is none or no word in it. */
  #line(): Uint8Array[] | undefined {
    const start = this.#at;
    const newline = this.#chunk.indexOf(LF, start);
    const end = newline < 0 ? this.#chunk.length : newline;
    this.#at = newline < 0 ? end : end + 1;
    if (this.#filled + end - start > this.#limits.inline) {
      throw new ProtocolError("too big inline request");
    }
    let line = this.#chunk.subarray(start, end);
    if (newline < 0 || this.#filled > 0) line = this.#keepLine(line);
    if (newline < 0) return undefined;
    const hasCr = line.at(-1) === CR;
    const words = splitInline(hasCr ? line.subarray(0, -1) : line);
    this.#body = EMPTY;
    this.#endCommand();
    if (words === undefined) throw new ProtocolError("unbalanced quotes in request");
    return words.length > 0 ? words : undefined;
  }

  /** Adds a part to the line that is kept and returns all of it. */
  #keepLine(part: Uint8Array): Uint8Array {
    const length = this.#filled + part.length;
    if (length > this.#body.length) {
      const grown = new Uint8Array(Math.max(256, length * 2));
      grown.set(this.#body.subarray(0, this.#filled));
      this.#body = grown;
    }
    this.#body.set(part, this.#filled);
    this.#filled = length;
    return this.#body.subarray(0, length);
  }

  /**
   * Copies the arguments that are views: their chunk will be used again before the command is whole. All go into
   * one piece of memory, of which they are views again: a buffer of its own costs an argument as much as 400 bytes.
   */
  #keepArguments(): void {
    const held = this.#arguments;
    let length = 0;
    for (let i = this.#owned; i < held.length; i++) length += held[i]!.length;
    if (length > 0) {
      const kept = new Uint8Array(length);
      let at = 0;
      for (let i = this.#owned; i < held.length; i++) {
        const argument = held[i]!;
        if (argument.length === 0) continue;
        kept.set(argument, at);
        held[i] = kept.subarray(at, at += argument.length);
      }
      this.#ownedBytes += length;
    }
    this.#owned = held.length;
  }

  #endCommand(): void {
    this.#excess = undefined;
    this.#arguments = [];
    this.#owned = 0;
    this.#ownedBytes = 0;
    this.#commandBytes = 0;
    this.#filled = 0;
    this.#state = COMMAND;
  }
}

function invalidLength(what: "multibulk" | "bulk", numbers?: string): ProtocolError {
  return new ProtocolError(`invalid ${what} length${numbers === undefined ? "" : `: ${numbers}`}`);
}
