// The shape of MessagePack, looked at before anything is made of it.
//
// A list begins with how many elements it has, and a decoder makes room for them before it has seen one. Five
// bytes claim four thousand million elements; nested, each claims them again. So the bytes are walked through
// first: every count must be covered by bytes that are there, and depth and elements are bounded. The walk skips
// what is inside texts and bytes, takes a few nanoseconds for each element, and makes nothing.
//
// After it a decoder allocates in proportion to the bytes, and ends.

import { strictUtf8Text } from "./bytes.ts";
import { MalformedError } from "./malformed.ts";

export interface MsgpackBounds {
  /** Lists and maps in one another, at most {@linkcode MSGPACK_DEPTH_MAX}. */
  readonly depth: number;
  /** Elements of all lists and maps together; a key of a map is one, and so is its value. */
  readonly elementCount: number;
  /** Whether texts must be UTF-8: decoders read some other bytes as texts too, and two texts as one. */
  readonly hasStrictTexts: boolean;
}

/** The most that bounds may allow. */
export const MSGPACK_DEPTH_MAX = 128;

/** Of each list or map around the place that is looked at: how many of its elements are still to come. */
const openCounts = new Uint32Array(MSGPACK_DEPTH_MAX + 1);

/**
 * Makes sure that bytes are one MessagePack value within bounds.
 *
 * @param where begins the message of the error
 * @throws {MalformedError} if they are not
 */
export function checkMsgpack(bytes: Uint8Array, bounds: MsgpackBounds, where: string): void {
  const { depth: depthMax, elementCount: elementCountMax, hasStrictTexts } = bounds;
  const end = bytes.length;
  let at = 0;
  let depth = 0;
  let elementCount = 0;
  openCounts[0] = 1;
  while (true) {
    while (openCounts[depth] === 0) {
      if (depth === 0) {
        if (at === end) return;
        throw new MalformedError(where, `${end - at} bytes are left over`);
      }
      depth--;
    }
    openCounts[depth]!--;
    if (at >= end) throw endsTooEarly(where);
    const head = bytes[at++]!;
    if (head < 0x80 || head >= 0xe0) continue;
    let length = 0;
    let children = 0;
    let isContainer = false;
    let isText = false;
    if (head < 0x90) {
      children = 2 * (head - 0x80);
      isContainer = true;
    } else if (head < 0xa0) {
      children = head - 0x90;
      isContainer = true;
    } else if (head < 0xc0) {
      length = head - 0xa0;
      isText = true;
    } else {
      const sizeBytes = SIZE_BYTES[head - 0xc0]!;
      if (sizeBytes === UNKNOWN) throw new MalformedError(where, `type ${head} is unknown`);
      length = FIXED_LENGTHS[head - 0xc0]!;
      if (sizeBytes > 0) {
        if (end - at < sizeBytes) throw endsTooEarly(where);
        let size = 0;
        for (let i = 0; i < sizeBytes; i++) size = size * 256 + bytes[at++]!;
        if (head >= ARRAY_16) {
          children = head >= MAP_16 ? 2 * size : size;
          isContainer = true;
        } else {
          length += size;
          isText = head >= TEXT_8;
        }
      }
    }
    if (isContainer) {
      // Each element takes a byte at least.
      if (children > end - at) throw endsTooEarly(where);
      elementCount += children;
      if (elementCount > elementCountMax) {
        throw new MalformedError(where, `more than ${elementCountMax} elements`);
      }
      if (++depth > depthMax) throw new MalformedError(where, `nested more than ${depthMax} deep`);
      openCounts[depth] = children;
      continue;
    }
    if (length > end - at) throw endsTooEarly(where);
    if (isText && hasStrictTexts) checkText(bytes, at, at + length, where);
    at += length;
  }
}

const ARRAY_16 = 0xdc;
const MAP_16 = 0xde;
const TEXT_8 = 0xd9;
const UNKNOWN = 255;

/** From 0xc0 on: how many bytes of a length stand behind the head. */
const SIZE_BYTES = Uint8Array.of(
  // nil, never used, false, true, bin 8, 16, 32, ext 8, 16, 32
  ...[0, UNKNOWN, 0, 0, 1, 2, 4, 1, 2, 4],
  // float 32, 64, uint 8, 16, 32, 64, int 8, 16, 32, 64, fixext 1, 2, 4, 8, 16
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  // str 8, 16, 32, array 16, 32, map 16, 32
  ...[1, 2, 4, 2, 4, 2, 4],
);

/** And how many bytes of the value besides what that length tells: the type of an extension is one. */
const FIXED_LENGTHS = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17],
  ...[0, 0, 0, 0, 0, 0, 0],
);

function checkText(bytes: Uint8Array, from: number, to: number, where: string): void {
  for (let i = from; i < to; i++) {
    if (bytes[i]! < 0x80) continue;
    if (strictUtf8Text(bytes.subarray(from, to)) !== undefined) return;
    throw new MalformedError(where, "a text is not UTF-8");
  }
}

function endsTooEarly(where: string): MalformedError {
  return new MalformedError(where, "it ends too early");
}
