// Patterns of KEYS, SCAN and CONFIG GET, on bytes, as Redis reads them.
//
// `*` any bytes, `?` one byte, `[abc]` `[a-z]` `[^x]` one byte of a class, `\x` the byte x itself. A class
// that is not closed ends with the pattern; a backslash at the end means itself.
//
// A pattern is read once into steps, each of which takes one byte, and stars between them. Matching goes
// back only to the last star: at most (steps × bytes) comparisons, whatever the pattern.

import { EMPTY } from "../../base/bytes.ts";

export interface Glob {
  /** Every match begins with these bytes. */
  readonly prefix: Uint8Array;
  matches(bytes: Uint8Array): boolean;
}

/** Bytes from 0 to 255, or one of these, or an index of a class above them. */
const ANY_BYTE = 256;
const STAR_STEP = 257;
const FIRST_CLASS = 258;

const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const CLOSE = 93;
const BACKSLASH = 92;
const CARET = 94;
const DASH = 45;

export function compileGlob(pattern: Uint8Array): Glob {
  const steps: number[] = [];
  const classes: Uint8Array[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at]!;
    if (byte === STAR) {
      if (steps.at(-1) !== STAR_STEP) steps.push(STAR_STEP);
    } else if (byte === QUESTION) {
      steps.push(ANY_BYTE);
    } else if (byte === OPEN) {
      const members = new Uint8Array(256);
      at = readClass(pattern, at, members);
      steps.push(FIRST_CLASS + classes.length);
      classes.push(members);
    } else if (byte === BACKSLASH && at + 1 < pattern.length) {
      steps.push(pattern[++at]!);
    } else {
      steps.push(byte);
    }
  }
  const literal = steps.findIndex((step) => step > 255);
  const prefix = literal === 0 ? EMPTY : Uint8Array.from(
    literal < 0 ? steps : steps.slice(0, literal),
  );
  const leastBytes = steps.reduce((count, step) => step === STAR_STEP ? count : count + 1, 0);
  return {
    prefix,
    matches: (bytes) => bytes.length >= leastBytes && matches(steps, classes, bytes),
  };
}

function matches(
  steps: readonly number[],
  classes: readonly Uint8Array[],
  bytes: Uint8Array,
): boolean {
  let step = 0;
  let at = 0;
  let starStep = -1;
  let starAt = 0;
  while (at < bytes.length) {
    const wanted = steps[step];
    if (wanted === STAR_STEP) {
      starStep = step++;
      starAt = at;
    } else if (wanted !== undefined && takes(wanted, bytes[at]!, classes)) {
      step++;
      at++;
    } else if (starStep >= 0) {
      // The last star takes one byte more. An earlier star need not: what it
      // could give away the last one takes as well.
      step = starStep + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (steps[step] === STAR_STEP) step++;
  return step === steps.length;
}

function takes(step: number, byte: number, classes: readonly Uint8Array[]): boolean {
  if (step < 256) return step === byte;
  return step === ANY_BYTE || classes[step - FIRST_CLASS]![byte] === 1;
}

/** Marks the bytes of the class that opens at `open`; returns where it ends. */
function readClass(pattern: Uint8Array, open: number, members: Uint8Array): number {
  let at = open + 1;
  const isNegated = pattern[at] === CARET;
  if (isNegated) at++;
  for (; at < pattern.length && pattern[at] !== CLOSE; at++) {
    const byte = pattern[at]!;
    if (byte === BACKSLASH && at + 1 < pattern.length) {
      members[pattern[++at]!] = 1;
    } else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
      const other = pattern[at + 2]!;
      members.fill(1, Math.min(byte, other), Math.max(byte, other) + 1);
      at += 2;
    } else {
      members[byte] = 1;
    }
  }
  if (isNegated) { for (let i = 0; i < 256; i++) members[i] = 1 - members[i]!; }
  return at;
}
