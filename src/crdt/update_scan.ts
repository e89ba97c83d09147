// Reading an update of Yjs without making anything of it: what it consists of, and whether it can be one.
//
// Yjs makes room for as many things as an update says it has, calls itself for each level of what is nested, and
// believes every number. So an update is read here first: counts are covered by bytes, depth is bounded, clocks
// stay exact, nothing has a length of 0. What it would cost to put it together is reckoned from this
// (update_cost.ts).
//
//   update  := client count | (struct count | client | clock | struct ...) ... | deletions
//   struct  := 0 | length                                what was forgotten
//            | 10 | length                               a gap
//            | info | [origin] [right origin] [parent] [key] | content
//   deletions := client count | (client | count | (clock | length) ...) ...
//
// Source: Yjs, INTERNALS.md and src/utils/encoding.js; lib0, decoding.js. Numbers are base-128 groups.

import { MalformedError } from "../base/malformed.ts";
import { isNestedTooDeep, NESTING_DEPTH_MAX } from "../base/nesting.ts";

/** The numbers of Yjs for what a struct has. */
export const CONTENT = {
  forgotten: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  text: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  subdocument: 9,
  gap: 10,
} as const;

/** The place of one element: who made it, and its number. */
export interface ElementId {
  readonly client: number;
  readonly clock: number;
}

export interface ScannedStruct extends ElementId {
  /** How many elements it has, from its clock on. */
  readonly length: number;
  readonly content: number;
  readonly origin: ElementId | undefined;
  readonly rightOrigin: ElementId | undefined;
  readonly parent: ElementId | undefined;
  /** The name of the type at the top of the document that it is in, where it says so. */
  readonly root: string | undefined;
  /** Where it begins and ends in the update, and where its content begins. */
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/** Consecutive structs of one client. */
export interface ScannedRun {
  readonly client: number;
  readonly structs: readonly ScannedStruct[];
}

export interface ScannedRange {
  readonly clock: number;
  readonly end: number;
}

export interface ScannedUpdate {
  readonly bytes: Uint8Array;
  readonly runs: readonly ScannedRun[];
  /** By client, ascending. */
  readonly deletions: ReadonlyMap<number, readonly ScannedRange[]>;
  /** Where the deletions begin. */
  readonly deletionsStart: number;
}

/** Documents in the document: each takes some kilobytes, whatever it has. */
const SUBDOCUMENT_COUNT_MAX = 4_096;

const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_KEY = 0x20;
const CONTENT_BITS = 0x1f;
const TYPE_COUNT = 7;
const XML_ELEMENT = 3;
const XML_HOOK = 5;

/** @throws {MalformedError} if no Yjs can have written it */
export function scanUpdate(bytes: Uint8Array): ScannedUpdate {
  return new Scanner(bytes).update();
}

class Scanner {
  readonly #bytes: Uint8Array;
  #at = 0;
  #subdocuments = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  update(): ScannedUpdate {
    const runs: ScannedRun[] = [];
    const clients = new Set<number>();
    for (let left = this.#count(3); left > 0; left--) {
      const run = this.#run();
      if (clients.has(run.client)) throw malformed("a client is named twice");
      clients.add(run.client);
      runs.push(run);
    }
    const deletionsStart = this.#at;
    const deletions = this.#deletions();
    if (this.#at < this.#bytes.length) throw malformed("bytes are left over");
    return { bytes: this.#bytes, runs, deletions, deletionsStart };
  }

  #run(): ScannedRun {
    const count = this.#count(2);
    const client = this.#integer();
    let clock = this.#integer();
    const structs: ScannedStruct[] = [];
    for (let i = 0; i < count; i++) {
      const struct = this.#struct(client, clock);
      if (struct.length === 0) throw malformed("a struct has no length");
      clock += struct.length;
      if (!Number.isSafeInteger(clock)) throw malformed("a clock is too large");
      structs.push(struct);
    }
    return { client, structs };
  }

  #struct(client: number, clock: number): ScannedStruct {
    const start = this.#at;
    const info = this.#byte();
    const content = info & CONTENT_BITS;
    if (content === CONTENT.forgotten || content === CONTENT.gap) {
      if (info !== content) throw malformed(`struct ${info} is unknown`);
      const contentStart = this.#at;
      const length = this.#integer();
      const end = this.#at;
      return {
        client,
        clock,
        length,
        content,
        origin: undefined,
        rightOrigin: undefined,
        parent: undefined,
        root: undefined,
        start,
        contentStart,
        end,
      };
    }
    const origin = (info & HAS_ORIGIN) === 0 ? undefined : this.#id();
    const rightOrigin = (info & HAS_RIGHT_ORIGIN) === 0 ? undefined : this.#id();
    let parent: ElementId | undefined;
    let root: string | undefined;
    if (origin === undefined && rightOrigin === undefined) {
      if (this.#integer() === 1) root = this.#text();
      else parent = this.#id();
      if ((info & HAS_KEY) !== 0) this.#blob();
    }
    const contentStart = this.#at;
    const length = this.#content(content);
    const end = this.#at;
    return {
      client,
      clock,
      length,
      content,
      origin,
      rightOrigin,
      parent,
      root,
      start,
      contentStart,
      end,
    };
  }

  /** Reads what a struct has; returns how many elements that are. */
  #content(content: number): number {
    switch (content) {
      case CONTENT.deleted:
        return this.#integer();
      case CONTENT.json: {
        const count = this.#count(1);
        for (let left = count; left > 0; left--) this.#json();
        return count;
      }
      case CONTENT.binary:
        this.#blob();
        return 1;
      case CONTENT.text:
        return lengthOfText(this.#blob());
      case CONTENT.embed:
        this.#json();
        return 1;
      case CONTENT.format:
        this.#blob();
        this.#json();
        return 1;
      case CONTENT.type: {
        const type = this.#integer();
        if (type >= TYPE_COUNT) throw malformed(`type ${type} is unknown`);
        if (type === XML_ELEMENT || type === XML_HOOK) this.#blob();
        return 1;
      }
      case CONTENT.any: {
        const count = this.#count(1);
        for (let left = count; left > 0; left--) this.#any(0);
        return count;
      }
      case CONTENT.subdocument:
        if (++this.#subdocuments > SUBDOCUMENT_COUNT_MAX) {
          throw malformed(`more than ${SUBDOCUMENT_COUNT_MAX} documents are in it`);
        }
        this.#blob();
        this.#any(0);
        return 1;
      default:
        throw malformed(`content ${content} is unknown`);
    }
  }

  #any(depth: number): void {
    if (depth > NESTING_DEPTH_MAX) throw malformed("it is nested too deep");
    const kind = this.#byte();
    switch (kind) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        return;
      case 125:
        // The sign makes a difference to its value only.
        this.#integer();
        return;
      case 124:
        return this.#skip(4);
      case 123:
      case 122:
        return this.#skip(8);
      case 119:
      case 116:
        this.#blob();
        return;
      case 118:
        for (let left = this.#count(2); left > 0; left--) {
          if (isPrototypeName(this.#blob())) throw malformed("the name __proto__ is not allowed");
          this.#any(depth + 1);
        }
        return;
      case 117:
        for (let left = this.#count(1); left > 0; left--) this.#any(depth + 1);
        return;
      default:
        throw malformed(`value ${kind} is unknown`);
    }
  }

  #deletions(): Map<number, readonly ScannedRange[]> {
    const deletions = new Map<number, readonly ScannedRange[]>();
    for (let left = this.#count(2); left > 0; left--) {
      const client = this.#integer();
      if (deletions.has(client)) throw malformed("a client is named twice");
      const ranges: ScannedRange[] = [];
      let before = 0;
      for (let count = this.#count(2); count > 0; count--) {
        const clock = this.#integer();
        const end = clock + this.#integer();
        // Ranges that overlap would have everything in them looked at again and again.
        if (clock < before) throw malformed("deletions are out of order");
        if (!Number.isSafeInteger(end)) throw malformed("a clock is too large");
        before = end;
        ranges.push({ clock, end });
      }
      deletions.set(client, ranges);
    }
    return deletions;
  }

  #json(): void {
    if (isNestedTooDeep(this.#blob())) throw malformed("it is nested too deep");
  }

  #id(): ElementId {
    return { client: this.#integer(), clock: this.#integer() };
  }

  #text(): string {
    return String.fromCharCode(...this.#blob().subarray(0, NAME_BYTES));
  }

  #blob(): Uint8Array {
    const length = this.#integer();
    const start = this.#at;
    this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw malformed("it ends too early");
    this.#at += length;
  }

  #count(bytesEach: number): number {
    const count = this.#integer();
    if (count * bytesEach > this.#bytes.length - this.#at) throw malformed("it ends too early");
    return count;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed("it ends too early");
    return byte;
  }

  #integer(): number {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) throw malformed("a number is too large");
      if (byte < 0x80) return value;
    }
  }
}

/** As much of the name of a type is looked at as tells most of them apart. */
const NAME_BYTES = 64;

/** In units of UTF-16, as JavaScript has it. What is no UTF-8 Yjs refuses. */
function lengthOfText(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if ((byte & 0xc0) !== 0x80) length += byte >= 0xf0 ? 2 : 1;
  }
  return length;
}

function isPrototypeName(bytes: Uint8Array): boolean {
  return bytes.length === 9 && String.fromCharCode(...bytes) === "__proto__";
}

function malformed(problem: string): MalformedError {
  return new MalformedError("document", problem);
}
